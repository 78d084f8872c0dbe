"""What the Candidates and Bundle components call by dotted path."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import pyarrow as pa

from aisle.model.bundle import make_bundle
from aisle.model.candidates import make_candidates
from aisle.model.options import BundleOptions, CandidateOptions


def candidates_fn(
    two_tower: str, tables: dict[str, pa.Table], splits: dict[str, Any], config: dict[str, Any]
) -> dict[str, pa.Table]:
    """Ranking examples by split; `config` holds `options` (CandidateOptions) and `bert`."""
    return make_candidates(two_tower, config["bert"], tables, splits, CandidateOptions(**config["options"]))


def bundle_fn(
    two_tower: str, ranking: str, tables: dict[str, pa.Table], now: int, config: dict[str, Any], folder: str
) -> None:
    """Writes the served model as of `now`; `config` holds `options` (BundleOptions) and `bert`."""
    make_bundle(two_tower, ranking, config["bert"], tables, now, BundleOptions(**config["options"]), folder)
