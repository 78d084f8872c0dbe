"""What a Kubeflow step's container runs: TFX's own entry point, told what Kubeflow's backend leaves out."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

from absl import app
from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as entry
from tfx.utils import name_utils

from aisle.components.artifacts import ARTIFACT_TYPES
from aisle.pipeline.kubeflow.invocation import for_entry_point, for_launcher
from aisle.schema.errors import AisleError

TITLES: dict[str, str] = {kind.TYPE_NAME: name_utils.get_full_name(kind) for kind in ARTIFACT_TYPES}
"""The class path of each of our type names."""


def main() -> None:
    """Runs one component's executor with the arguments Kubeflow gives; ends with the exit code of an AisleError."""
    compiler_utils.TITLE_TO_CLASS_PATH.update(TITLES)
    app.run(run_step, flags_parser=parsed)


def parsed(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The arguments of a step's command line, and those that are Beam's."""
    return entry._parse_flags(argv)


def run_step(arguments: tuple[argparse.Namespace, list[str]]) -> int:
    """Runs a step and returns its exit code; an error that isn't an AisleError is raised.

    Args:
        arguments: as `parsed` returns them.
    """
    told, beam_args = arguments
    given = json.loads(told.json_serialized_invocation_args)
    definitions = json.loads(told.json_serialized_inputs_spec_args or "{}")
    told.json_serialized_invocation_args = json.dumps(for_entry_point(given, definitions))
    try:
        entry.main((told, beam_args))
    except AisleError as error:
        print(f"aisle: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    # The launcher reads it on this disk, too; Vertex AI's is remote, and holds nothing to change.
    output = pathlib.Path(given["outputs"]["outputFile"])
    if output.is_file():
        answer = for_launcher(json.loads(output.read_text(encoding="utf-8")))
        output.write_text(json.dumps(answer), encoding="utf-8")
    return 0


if __name__ == "__main__":
    main()
