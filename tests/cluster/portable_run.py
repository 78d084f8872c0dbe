"""Runs the pipeline to the labels and through Transform, as `aisle run` does: `portable_run DATA OUT [BEAM_ARG ...]`.

With Beam's arguments the statistics and the Cleaner have the events in many parts, and without them in one.
"""

from __future__ import annotations

import pathlib
import sys

PART_ROWS = 1_500


def main(data: str, out: str, *beam_args: str) -> None:
    """Runs it; what an earlier run into `out` did is used again."""
    from tfx import v1 as tfx
    from tfx.orchestration.pipeline import RunOptions

    from aisle.components.anomaly_gate.options import GateOptions
    from aisle.components.cleaner.options import CleanerOptions
    from aisle.components.statistics_gen import spread
    from aisle.pipeline.config import Config, InfraOptions
    from aisle.pipeline.create import create_pipeline
    from aisle.pipeline.inputs import fingerprint_tables
    from aisle.pipeline.output_folder import held
    from aisle.pipeline.paths import Layout

    spread.PIECE_ROWS = PART_ROWS
    layout = Layout(str(pathlib.Path(out).absolute()))
    config = Config(
        gate=GateOptions(max_quarantined_share=0.2),
        cleaner=CleanerOptions(part_rows=PART_ROWS) if beam_args else CleanerOptions(),
        infra=InfraOptions(beam_args=beam_args) if beam_args else InfraOptions(),
    )
    metadata = tfx.orchestration.metadata.sqlite_metadata_connection_config(layout.metadata)
    with held(layout):
        pipeline = create_pipeline(data, fingerprint_tables(data, "auto"), layout, config, metadata)
        wanted = RunOptions(to_nodes=["Labeler", "Transform"])
        tfx.orchestration.LocalDagRunner().run(pipeline, wanted)


if __name__ == "__main__":
    main(*sys.argv[1:])
