"""What the Candidates component calls."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import pyarrow as pa

from aisle.model.options import CandidateOptions
from aisle.model.ranking.candidates import make_candidates
from aisle.model.text.chosen_bert import chosen_bert


def candidates_fn(
    two_tower: str,
    bert: str | None,
    tables: dict[str, pa.Table],
    splits: dict[str, Any],
    config: dict[str, Any],
) -> dict[str, pa.Table]:
    """Ranking examples by split; `config` holds `options` (CandidateOptions) and `bert`.

    The argument `bert` is the folder of what this run pretrained, None where it did not.
    """
    folder = chosen_bert(bert, config["bert"])
    return make_candidates(two_tower, folder, tables, splits, CandidateOptions(**config["options"]))
