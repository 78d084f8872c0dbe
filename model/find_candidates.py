"""What the Candidates component calls."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import polars as pl
import pyarrow as pa

from aisle.model.options import CandidateOptions
from aisle.model.ranking.candidates import make_candidates
from aisle.model.text.chosen_bert import chosen_bert


def candidates_fn(
    two_tower: str,
    bert: str,
    tables: dict[str, pa.Table],
    splits: dict[str, Any],
    options: str,
    taught: str = "",
) -> dict[str, pa.Table]:
    """Ranking examples by split; `bert` is a folder, "" for the installed one, `options` CandidateOptions as JSON, and `taught`
    the file of what another shop teaches, "" for none. The tables are taken out of `tables`: a large shop's are not held twice."""
    frames = {name: pl.DataFrame(pl.from_arrow(tables.pop(name))) for name in list(tables)}
    told = CandidateOptions.from_json(options)
    return make_candidates(two_tower, chosen_bert(bert), frames, splits, told, taught)
