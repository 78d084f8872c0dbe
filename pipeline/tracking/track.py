"""Tracks a run that has ended, as far as the tracker lets it: nothing it does wrong stops a run."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from aisle.pipeline.config import Config
from aisle.pipeline.paths import Layout
from aisle.pipeline.tracking import mlflow_server, wandb_folder
from aisle.pipeline.tracking.options import WANDB
from aisle.pipeline.tracking.record import record_of


def track(config: Config, layout: Layout, trainings: Iterable[str]) -> None:
    """Hands a run to the tracker that the settings name; says on stderr where it is kept, or once why it isn't.

    Args:
        config: all options.
        layout: where the run's reports lie.
        trainings: the folders of its trainings' runs.
    """
    options = config.tracking
    if not options.to:
        return
    try:
        record = record_of(config, layout, trainings)
        if options.to == WANDB:
            where = wandb_folder.keep(layout.root, options.experiment, record)
        else:
            where = mlflow_server.keep(options.to, options.experiment, record)
    except Exception as error:  # Whatever a tracker raises: the model is made, and is not lost for that.
        said = " ".join(str(error).split())[:300] or type(error).__name__
        print(f"not tracked: {said}; the run itself is whole, and in {layout.root}", file=sys.stderr)
    else:
        print(f"tracked: {where}", file=sys.stderr)
