"""What another shop's items say of how often this shop's are taken: asked once, of the validation window, for all moments."""

from __future__ import annotations

import pathlib

import numpy as np
import polars as pl

from aisle.model.retrieval.item_table import ItemTable
from aisle.model.retrieval.organic import organic
from aisle.model.retrieval.tower import Tower
from aisle.model.transfer.content import Shelf, learn, lent
from aisle.model.transfer.gain import Floats, Gain
from aisle.model.transfer.taught import Content, Taught
from aisle.schema.bert.weights import sha256, vocabulary_file
from aisle.schema.splits import EVAL, TRAIN
from aisle.schema.tables import MICROSECONDS_PER_DAY

DAYS = 28.0
"""Of the takings that are lent."""


def shelf_of(tower: Tower, table: ItemTable, bert: str) -> Shelf:
    """The content of the tower's items; `bert` is the folder of their encoder, known by its vocabulary."""
    folder = pathlib.Path(bert)
    vocabulary = sha256(str(folder / vocabulary_file(folder)))
    return Shelf(tower.text_embeddings.numpy(), table.prices, vocabulary)


def lent_by(
    taught: str, tower: Tower, table: ItemTable, bert: str, interactions: pl.DataFrame
) -> tuple[Floats | None, list[Gain]]:
    """What the file `taught` lends: as of `lent_takings`; None and no gain where it is ""."""
    if not taught:
        return None, []
    ids = [item.decode() for item in tower.item_ids.numpy()]
    lent, gain = lent_takings(Taught.read(taught), shelf_of(tower, table, bert), interactions, ids)
    return lent, [gain]


def lent_takings(
    taught: Taught, shelf: Shelf, interactions: pl.DataFrame, items: list[str]
) -> tuple[Floats | None, Gain]:
    """The takings of 28 days that each item is lent, None where they don't surely win; and what they won.

    Args:
        taught: by another shop.
        shelf: this shop's catalogue.
        interactions: the Labeler's.
        items: the catalogue's ids, in order.
    """
    liked = _liked(interactions, items)
    asked = liked.filter((pl.col("split") == EVAL) & (pl.col("user_id") != ""))
    pairs = asked.select(pl.col("user_id").rank("dense").cast(pl.Int64), "row").unique(maintain_order=True)
    later = (pairs["user_id"].to_numpy(), pairs["row"].to_numpy())
    before = liked.filter(pl.col("split") == TRAIN)
    recent = before.filter(pl.col("timestamp") > pl.col("timestamp").max() - int(DAYS * MICROSECONDS_PER_DAY))
    return lent(taught.content, shelf, _taken(recent, len(items)), later)


def taught_content(shelf: Shelf, interactions: pl.DataFrame, items: list[str]) -> Content | None:
    """What this shop teaches of how often its items were ever taken; see `lent_takings`."""
    return learn(shelf, _taken(_liked(interactions, items), len(items)))


def _liked(interactions: pl.DataFrame, items: list[str]) -> pl.DataFrame:
    rows = pl.DataFrame(
        {"item_id": items, "row": np.arange(len(items))}, schema_overrides={"item_id": pl.String}
    )
    return organic(interactions).join(rows, on="item_id")


def _taken(liked: pl.DataFrame, count: int) -> Floats:
    """How often each item was taken: [n]."""
    return np.bincount(liked["row"].to_numpy(), liked["weight"].to_numpy(), count).astype(np.float64)
