"""Where the BERT lies that a step of this run wrote."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from tfx import types
from tfx.types import artifact_utils
from tfx.utils import path_utils

from aisle.components.storage import exists
from aisle.schema.bert.weights import CONFIG


def made_bert(inputs: Mapping[str, Sequence[types.Artifact]]) -> str | None:
    """Returns the BERT folder of an executor's input `bert`.

    None where no step writes one, or where that has tried another shop's and this shop's own is better.
    """
    artifacts = list(inputs.get("bert") or ())
    if not artifacts:
        return None
    folder = path_utils.serving_model_path(artifact_utils.get_single_uri(artifacts))
    return folder if exists(os.path.join(folder, CONFIG)) else None
