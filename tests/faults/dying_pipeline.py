"""Runs small pipelines with stock Transform and Trainer that kill their process in the middle, as SIGKILL does.

`python -m dying_pipeline DATA OUT` reads a step a line (`transform` or `trainer`, where to die, or `none`), runs each in
a process of its own, and writes its exit status. The processes are forked, for TFX takes long to import.
"""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import traceback
from typing import Any

DIES = "AISLE_TEST_DIES"


def _die_in(step: str) -> None:
    if os.environ[DIES] == step:
        os.kill(os.getpid(), signal.SIGKILL)


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    _die_in("transform")
    return {"title": inputs["title"]}


def run_fn(fn_args: Any) -> None:
    folder = pathlib.Path(fn_args.serving_model_dir)
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"half")
    _die_in("trainer")
    (folder / "saved_model.pb").write_bytes(b"half of it and the rest")


def _components(tfx: Any, data: str, step: str) -> list[Any]:
    from aisle.components.example_gen.component import TableExampleGen
    from aisle.components.statistics_gen.component import StatisticsGen
    from aisle.components.tables import ROWS_SPLIT

    rows = [ROWS_SPLIT]
    reader = TableExampleGen(data, "items", "a fingerprint")
    examples = reader.outputs["examples"]
    if step != "transform":
        trainer = tfx.components.Trainer(
            run_fn="dying_pipeline.run_fn",
            examples=examples,
            train_args=tfx.proto.TrainArgs(splits=rows),
            eval_args=tfx.proto.EvalArgs(splits=rows),
        )
        return [reader, trainer]
    statistics = StatisticsGen(examples=examples)
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
    transform = tfx.components.Transform(
        examples=examples,
        schema=schema.outputs["schema"],
        preprocessing_fn="dying_pipeline.preprocessing_fn",
        splits_config=tfx.proto.SplitsConfig(analyze=rows, transform=rows),
    )
    return [reader, statistics, schema, transform]


def _run(tfx: Any, data: str, out: str, step: str) -> None:
    from aisle.components.beam import with_workers_code
    from aisle.pipeline.output_folder import held
    from aisle.pipeline.paths import Layout

    os.environ[DIES] = step
    layout = Layout(out)
    metadata = tfx.orchestration.metadata.sqlite_metadata_connection_config(layout.metadata)
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="aisle",
        pipeline_root=layout.artifacts,
        components=_components(tfx, data, step),
        enable_cache=True,
        metadata_connection_config=metadata,
        beam_pipeline_args=with_workers_code(("--direct_running_mode=in_memory",)),
    )
    with held(layout):
        tfx.orchestration.LocalDagRunner().run(pipeline)


def main(data: str, out: str) -> None:
    from tfx import v1 as tfx

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)
            try:
                _run(tfx, data, out, line.strip())
            except Exception:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
