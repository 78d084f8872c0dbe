"""What the Bundle component calls."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import pyarrow as pa

from aisle.model.options import BundleOptions
from aisle.model.served.bundle import make_bundle
from aisle.model.text.chosen_bert import chosen_bert


def bundle_fn(
    two_tower: str,
    ranking: str,
    bert: str,
    tables: dict[str, pa.Table],
    now: int,
    options: str,
    folder: str,
) -> None:
    """Writes the served model as of `now`; `bert` is a folder, "" for the installed one, and `options` BundleOptions as JSON."""
    told = BundleOptions.from_json(options)
    make_bundle(two_tower, ranking, chosen_bert(bert), tables, now, told, folder)
