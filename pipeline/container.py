"""What a Kubeflow step's container runs: TFX's own entry point, with our artifact types made known."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

from absl import app
from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as entry
from tfx.utils import name_utils

from aisle.components.artifacts import ARTIFACT_TYPES

TITLES: dict[str, str] = {kind.TYPE_NAME: name_utils.get_full_name(kind) for kind in ARTIFACT_TYPES}
"""The class path of each of our type names."""


def main() -> None:
    """Runs one component's executor with the arguments Kubeflow gives."""
    compiler_utils.TITLE_TO_CLASS_PATH.update(TITLES)
    app.run(entry.main, flags_parser=entry._parse_flags)


if __name__ == "__main__":
    main()
