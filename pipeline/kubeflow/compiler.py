"""Compiles the same pipeline for Kubeflow Pipelines v2, offline."""

from __future__ import annotations

import json
import os
import pathlib

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

from tfx import v1 as tfx

from aisle.pipeline.config import Config
from aisle.pipeline.create import create_pipeline
from aisle.pipeline.inputs import COMPILED
from aisle.pipeline.kubeflow.specification import for_kubeflow
from aisle.pipeline.paths import Layout
from aisle.pipeline.transfer.encoder import UNSEEN
from aisle.schema.errors import InputError
from aisle.schema.tables import TABLE_BY_NAME

COMMAND = ("python", "-m", "aisle.pipeline.kubeflow.container")
"""What a step's container runs."""
DEFAULT_TABLES = "items,users,events"


def compile_pipeline(data_uri: str, root: str, image: str, output: str, config: Config) -> str:
    """Writes the pipeline's v2 spec as JSON, which is YAML, too.

    The data can't be looked at, so `data.tables` names the tables (`auto`: items, users, events).

    Args:
        data_uri: folder of the canonical tables as the cluster sees it.
        root: folder for artifacts, reports and the served model.
        image: container image that `aisle` is installed in.
        output: the file to write.
        config: all options.

    Raises:
        InputError: a table's name is unknown, or the output's folder is missing.
    """
    names = DEFAULT_TABLES if config.data.tables == "auto" else config.data.tables
    tables = [name.strip() for name in names.split(",")]
    for name in tables:
        if name not in TABLE_BY_NAME:
            raise InputError(f"data.tables names {name!r}; there are {', '.join(TABLE_BY_NAME)}")
    target = pathlib.Path(output).absolute()
    if not target.parent.is_dir():
        raise InputError(f"the folder of --output {output} does not exist; make it first")
    pictures = COMPILED if config.pictures.use == "always" else ""
    layout = Layout(root)
    # Nor can another shop's folder: the setting names the file itself, as the cluster sees it.
    pipeline = create_pipeline(
        data_uri,
        dict.fromkeys(tables, ""),
        layout,
        config,
        pictures=pictures,
        taught=config.transfer.source,
        offered=UNSEEN,
    )
    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(
        config=tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
            default_image=image,
            default_commands=list(COMMAND),
            # The one version that Kubeflow's own backend takes.
            use_pipeline_spec_2_1=True,
        )
    )
    spec = runner.run(pipeline, write_out=False)["pipelineSpec"]
    text = json.dumps(for_kubeflow(spec, layout.artifacts), indent=2, sort_keys=True)
    target.write_text(text + "\n", encoding="utf-8")
    return str(target)
