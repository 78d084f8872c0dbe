"""What the Bundle component calls."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import polars as pl
import pyarrow as pa

from aisle.model.options import BundleOptions
from aisle.model.served.make import make_bundles
from aisle.model.text.chosen_bert import chosen_bert


def bundle_fn(
    two_tower: str,
    ranking: str,
    bert: str,
    tables: dict[str, pa.Table],
    moments: dict[str, int],
    options: str,
    taught: str = "",
) -> None:
    """Writes the served model as of some `moments`, by folder.

    `bert` is a folder, "" for the installed one, `options` BundleOptions as JSON, and `taught` the file of what another shop
    teaches, "" for none. The tables are taken out of `tables`: a large shop's are not held twice.
    """
    frames = {name: pl.DataFrame(pl.from_arrow(tables.pop(name))) for name in list(tables)}
    told = BundleOptions.from_json(options)
    make_bundles(two_tower, ranking, chosen_bert(bert), frames, moments, told, taught)
