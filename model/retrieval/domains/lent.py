"""What another shop's items say of this one's: asked once, of the validation window, for all moments."""

from __future__ import annotations

import pathlib

import numpy as np
import numpy.typing as npt
import polars as pl

from aisle.model.gain import Floats, Gain
from aisle.model.retrieval.domains.visits import visits_of
from aisle.model.retrieval.item_table import ItemTable
from aisle.model.retrieval.organic import organic
from aisle.model.spilled import SpilledRows
from aisle.model.transfer import content, following
from aisle.model.transfer.content import Shelf
from aisle.model.transfer.following_trial import lent_follows
from aisle.model.transfer.lent import Lent
from aisle.model.transfer.taught import HeadWeights, Taught
from aisle.schema.bert.weights import sha256, vocabulary_file
from aisle.schema.splits import EVAL, TRAIN
from aisle.schema.tables import MICROSECONDS_PER_DAY

DAYS = 28.0
"""Of the takings that are lent."""


def shelf_of(texts: npt.NDArray[np.floating] | SpilledRows, table: ItemTable, bert: str) -> Shelf:
    """The content of a catalogue.

    Args:
        texts: embeddings of what the items say [n, t].
        table: the items.
        bert: the folder of their encoder, known by its vocabulary.
    """
    folder = pathlib.Path(bert)
    vocabulary = sha256(str(folder / vocabulary_file(folder)))
    return Shelf(texts, table.prices, vocabulary, table.categories, table.brands)


def lent_by(
    taught: str, shelf: Shelf, interactions: pl.DataFrame, items: list[str]
) -> tuple[Lent, list[Gain]]:
    """What the file `taught` lends: as of `lend`; nothing, and no gain, where it is ""."""
    return lend(Taught.read(taught), shelf, interactions, items) if taught else (Lent(), [])


def lend(
    taught: Taught, shelf: Shelf, interactions: pl.DataFrame, items: list[str]
) -> tuple[Lent, list[Gain]]:
    """What surely wins of what another shop lends, and what each part won.

    Args:
        taught: by another shop.
        shelf: this shop's catalogue.
        interactions: the Labeler's.
        items: the catalogue's ids, in order.
    """
    liked = _liked(interactions, items)
    named = liked.filter((pl.col("split") == EVAL) & (pl.col("user_id") != ""))
    pairs = named.select(pl.col("user_id").rank("dense").cast(pl.Int64), "row").unique(maintain_order=True)
    before = liked.filter(pl.col("split") == TRAIN)
    recent = before.filter(pl.col("timestamp") > pl.col("timestamp").max() - int(DAYS * MICROSECONDS_PER_DAY))
    later = (pairs["user_id"].to_numpy(), pairs["row"].to_numpy())
    takings, worth = content.lent(taught.content, shelf, _taken(recent, len(items)), later)
    visits = (visits_of(before), visits_of(liked.filter(pl.col("split") == EVAL)))
    follows, then = lent_follows(taught.following, shelf, *visits)
    return Lent(takings, follows), [worth, then]


def teach(head: HeadWeights | None, shelf: Shelf, interactions: pl.DataFrame, items: list[str]) -> Taught:
    """What this shop teaches: its head, and what it has learnt of its items.

    Args:
        head: None where it learnt nothing.
        shelf: the catalogue.
        interactions: the Labeler's.
        items: the catalogue's ids, in order.
    """
    liked = _liked(interactions, items)
    worth = content.learn(shelf, _taken(liked, len(items)))
    return Taught(head, worth, following.learn(shelf, visits_of(liked).pairs))


def _liked(interactions: pl.DataFrame, items: list[str]) -> pl.DataFrame:
    rows = pl.DataFrame(
        {"item_id": items, "row": np.arange(len(items))}, schema_overrides={"item_id": pl.String}
    )
    return organic(interactions).join(rows, on="item_id")


def _taken(liked: pl.DataFrame, count: int) -> Floats:
    """How often each item was taken: [n]."""
    return np.bincount(liked["row"].to_numpy(), liked["weight"].to_numpy(), count).astype(np.float64)
