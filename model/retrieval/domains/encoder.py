"""Whether this shop's texts are surely read better by another shop's encoder than by its own."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import dataclasses

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import tensorflow as tf

from aisle.model.gain import LEAST, UNTOLD, Floats, Gain
from aisle.model.retrieval.domains.visits import visits_of
from aisle.model.retrieval.organic import organic
from aisle.model.text.bert import SentenceEncoder, Tokenizer
from aisle.model.text.chosen_bert import chosen_bert
from aisle.model.text.unread import unread_share
from aisle.model.transfer.told import tell
from aisle.schema.bert.weights import BERT_FILES
from aisle.schema.splits import EVAL, TEST

PART = "encoder"
_ASKED = 500
"""Queries, and visitors, that are asked of at most."""
_ITEMS = 2_000
"""Among so many items, at most, what was taken is looked for: those that were, and others drawn."""
_READ = 20_000
"""Titles that are enough to know what share of them an encoder can read."""
_Ints = npt.NDArray[np.int64]


def choose_encoder(
    theirs: str, why: str, own: str, tables: dict[str, pa.Table], most_unread: float, folder: str
) -> None:
    """Writes another shop's encoder where it surely wins, and in any case what it won; what the component EncoderTrial calls.

    Args:
        theirs: the folder of the other shop's encoder; "" where there is none to try.
        why: there is none; "" else.
        own: the folder of this shop's, "" for the installed one.
        tables: the Labeler's by name.
        most_unread: the share of the titles' pieces that may say nothing to an encoder.
        folder: receives `TRANSFER_FILE` in its `assets.extra`, and the files of `theirs` where it is on.
    """
    gain = Gain.off(PART, why)
    if theirs:
        frames = {name: pl.DataFrame(pl.from_arrow(table)) for name, table in tables.items()}
        gain = encoder_gain(chosen_bert(theirs), chosen_bert(own), frames, most_unread)
    tell(folder, [gain])
    for name in BERT_FILES if gain.on else ():
        if tf.io.gfile.exists(os.path.join(theirs, name)):
            tf.io.gfile.copy(os.path.join(theirs, name), os.path.join(folder, name), overwrite=True)


def encoder_gain(theirs: str, own: str, frames: dict[str, pl.DataFrame], most_unread: float) -> Gain:
    """What it is worth to read with another shop's encoder.

    First what is cheap: can it read the titles at all? Then both order the same items, by the cosine to a query that was
    searched in the validation window, or judged and not held for the test, and to what a visitor of that window took before.

    Args:
        theirs: the folder of the other shop's encoder.
        own: of this shop's.
        frames: the Labeler's tables by name.
        most_unread: the share of the titles' pieces that may say nothing to an encoder.
    """
    titles = frames["items"]["title"].fill_null("").to_list()
    titles = titles[:: max(1, len(titles) // _READ)]
    unread, unread_own = (unread_share(Tokenizer(folder), titles) for folder in (theirs, own))
    if unread > most_unread:
        return Gain.off(PART, f"it can't read {unread:.0%} of the pieces of this shop's titles")
    asked = Asked.of(frames)
    if asked.count < LEAST and unread_own > most_unread:
        return Gain(PART, True, why=f"{unread_own:.0%} of the titles' pieces say nothing to this shop's own")
    if not asked.count and unread <= unread_own:
        return Gain(PART, True, why=UNTOLD)
    if not asked.count:
        return Gain.off(PART, f"{UNTOLD}, and its own reads more of its titles")
    if asked.count < LEAST:
        return Gain.of(PART, *np.zeros((2, asked.count)))
    return Gain.of(PART, *(asked.found(SentenceEncoder(folder)) for folder in (theirs, own)))


@dataclasses.dataclass(frozen=True)
class Asked:
    """Questions of a shop's own that texts alone may answer.

    Example:
        >>> asked = Asked(["mug", "lamp"], ["", ""], ["mug"], np.array([[0, 0]]), np.zeros((0, 3), np.int64))
        >>> asked.count  # Who searched for a mug took the first item.
        1

    Attributes:
        titles, descriptions: of the items among which is looked, [m] each.
        queries: [q].
        wanted: the place of a query and the row of an item that was taken or is good for it, [w, 2].
        visits: the row of an item, of the one that was taken next, and the place of the visitor from 0, [v, 3].
    """

    titles: list[str]
    descriptions: list[str]
    queries: list[str]
    wanted: _Ints
    visits: _Ints

    @property
    def count(self) -> int:
        """Of questions: one a query, one a visitor."""
        return len(self.queries) + len(np.unique(self.visits[:, 2]))

    @staticmethod
    def of(frames: dict[str, pl.DataFrame], seed: int = 0) -> Asked:
        """Draws them: queries and visits of the validation window, and judged queries that aren't held for the test."""
        random, items = np.random.default_rng(seed), frames["items"]
        rows = pl.DataFrame({"item_id": items["item_id"], "row": np.arange(len(items))})
        wanted = _wanted(frames).join(rows, on="item_id", maintain_order="left")
        names = wanted["query"].unique(maintain_order=True)
        queries = names.to_numpy()[np.sort(random.permutation(len(names))[:_ASKED])].tolist()
        place = pl.DataFrame(
            {"query": queries, "place": np.arange(len(queries))}, schema_overrides={"query": pl.String}
        )
        searched = wanted.join(place, on="query").select("place", "row").to_numpy().astype(np.int64)
        taken = organic(frames["interactions"]).join(rows, on="item_id").filter(pl.col("split") == EVAL)
        visits = visits_of(taken)
        visitors = random.permutation(np.unique(visits.visitors))[:_ASKED]
        chosen = np.isin(visits.visitors, visitors)
        pairs = visits.pairs[chosen]
        # What is wanted comes first, so that none of it is left out.
        needed = np.unique(np.concatenate([searched[:, 1], pairs.ravel()]))
        kept = np.concatenate([needed, np.setdiff1d(random.permutation(len(items)), needed, True)])
        kept = kept[: max(_ITEMS, len(needed))]
        at = np.full(len(items), -1)
        at[kept] = np.arange(len(kept))
        told = _texts(items[kept.tolist()])
        who = np.unique(visits.visitors[chosen], return_inverse=True)[1].reshape(-1, 1)
        searched[:, 1] = at[searched[:, 1]]
        return Asked(*told, queries, searched, np.concatenate([at[pairs], who], 1).astype(np.int64))

    def found(self, encoder: SentenceEncoder) -> Floats:
        """NDCG of each query's items, and of what each visitor took next, all items in an encoder's order: [q + visitors]."""
        items = encoder.encode_items(tf.constant(self.titles), tf.constant(self.descriptions)).numpy()
        queries = encoder.encode(tf.constant(self.queries, tf.string)).numpy()
        cosines = queries @ items.T
        searched = [_ndcg(cosines[n], self.wanted[self.wanted[:, 0] == n, 1]) for n in range(len(queries))]
        before, then, visitor = self.visits.T
        near = items[before] @ items.T
        near[np.arange(len(before)), before] = -np.inf
        after = np.array([_ndcg(row, then[n : n + 1]) for n, row in enumerate(near)], np.float64)
        many = np.bincount(visitor)
        return np.concatenate([np.array(searched, np.float64), np.bincount(visitor, after) / many])


def _wanted(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Queries with what is good for them, each pair once: `query`, `item_id`.

    Good is what was clicked or bought, and what has a grade in the upper half of the scale.
    """
    shown, judged = frames["impressions"], frames["judgements"]
    taken = shown.filter((pl.col("split") == EVAL) & (pl.max_horizontal("click", "purchase") >= 0.5))
    span = pl.col("grade").max() - pl.col("grade").min()
    good = judged.with_columns(upper=(span > 0) & (pl.col("grade") - pl.col("grade").min() >= span / 2))
    good = good.filter((pl.col("split") != TEST) & pl.col("upper"))
    pairs = [part.select("query", "item_id").cast(pl.String) for part in (taken, good)]
    return pl.concat(pairs).filter(pl.col("query") != "").unique(maintain_order=True)


def _texts(items: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Titles and descriptions, "" where there is none."""
    described = "description" in items.columns
    descriptions = (
        items["description"].cast(pl.String).fill_null("").to_list() if described else [""] * len(items)
    )
    return items["title"].fill_null("").to_list(), descriptions


def _ndcg(scores: npt.NDArray[np.floating], wanted: _Ints) -> float:
    """NDCG of the wanted among all; of equals each has the middle one's place, so that an order by nothing wins nothing."""
    own = scores[wanted][:, None]
    rank = (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
    ideal = (1.0 / np.log2(np.arange(2, len(wanted) + 2))).sum()
    return float((1.0 / np.log2(rank + 2.0)).sum() / ideal)
