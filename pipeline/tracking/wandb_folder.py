"""A run in Weights & Biases' folder, offline unless the environment says otherwise (`WANDB_MODE`)."""

from __future__ import annotations

import os

from aisle.pipeline.tracking.record import Record


def keep(folder: str, experiment: str, record: Record) -> str:
    """Writes a run; returns where it lies.

    Args:
        folder: that holds `wandb/`.
        experiment: the project's name.
        record: the run.
    """
    import wandb

    run = wandb.init(
        project=experiment,
        dir=folder,
        mode=os.environ.get("WANDB_MODE", "offline"),  # type: ignore[arg-type]
        config=dict(record.settings),
        settings=wandb.Settings(silent=True, console="off"),
    )
    for training in dict.fromkeys(name.partition("/")[0] for name in record.curves):
        curves = {name: values for name, values in record.curves.items() if name.startswith(f"{training}/")}
        epoch = f"{training}/epoch"
        run.define_metric(f"{training}/*", step_metric=epoch)
        for number in sorted({number for values in curves.values() for number in values}):
            run.log(
                {
                    epoch: number,
                    **{name: values[number] for name, values in curves.items() if number in values},
                }
            )
    run.summary.update(record.figures)
    reports = wandb.Artifact("reports", type="reports")
    for report in record.reports:
        reports.add_file(str(report))
    if record.reports:
        run.log_artifact(reports)
    run.finish()
    return f"{os.path.dirname(run.dir)}, for wandb sync"
