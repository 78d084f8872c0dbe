"""Where the BERT lies that Pretraining wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tfx import types
from tfx.types import artifact_utils
from tfx.utils import path_utils


def pretrained_bert(inputs: Mapping[str, Sequence[types.Artifact]]) -> str | None:
    """Returns the BERT folder of an executor's input `bert`, None where the pipeline does not pretrain."""
    artifacts = list(inputs.get("bert") or ())
    return path_utils.serving_model_path(artifact_utils.get_single_uri(artifacts)) if artifacts else None
