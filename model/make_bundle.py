"""What the Bundle component calls."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import pyarrow as pa

from aisle.model.options import BundleOptions
from aisle.model.served.bundle import make_bundle
from aisle.model.text.chosen_bert import chosen_bert


def bundle_fn(
    two_tower: str,
    ranking: str,
    bert: str | None,
    tables: dict[str, pa.Table],
    now: int,
    config: dict[str, Any],
    folder: str,
) -> None:
    """Writes the served model as of `now`; `config` holds `options` (BundleOptions) and `bert`.

    The argument `bert` is the folder of what this run pretrained, None where it did not.
    """
    chosen = chosen_bert(bert, config["bert"])
    make_bundle(two_tower, ranking, chosen, tables, now, BundleOptions(**config["options"]), folder)
