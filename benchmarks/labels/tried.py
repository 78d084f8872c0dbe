"""Sources that read the Labeler's labels and are not shipped, as they would stand in `model/retrieval/sources/`."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import numpy.typing as npt
import polars as pl
import tensorflow as tf

from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.meaning.categories import category_levels
from aisle.components.labeler.options import LabelerOptions
from aisle.model.retrieval import sources
from aisle.model.retrieval.sources.source import Arrays, Inputs, Past, Score, TableSource, Tensors

_PRIOR = LabelerOptions().intent_prior
_CATEGORY_NUMBERS = ("category_taken", "category_lately")
"""Of all that was taken, and of what was taken lately."""
_NO_WORD = r"[^\p{L}\p{N}]+"

Ints = npt.NDArray[np.int32]


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What the Labeler says of the catalogue, in the order of the two-tower's items.

    Attributes:
        category: the deepest category of each item, 0 for those without one: int32 [n].
        categories: how many there are, the one of none among them.
        tags: the tags of each item, 0 pads: int32 [n, T].
        tag_weights: of each, unit length an item, 0 of pads: float32 [n, T].
        tag_texts: the tag of each number from 1.
        queries: every text that was ever searched for; only what it led to by then is known at a moment.
    """

    category: Ints
    categories: int
    tags: Ints
    tag_weights: npt.NDArray[np.float32]
    tag_texts: list[str]
    queries: list[str]

    @staticmethod
    def of(labelled: Labelled, item_ids: list[str]) -> Meaning:
        """Numbers categories and tags."""
        items = pl.DataFrame(pl.from_arrow(labelled.tables["items"]))
        deepest = category_levels(items).sort("level").group_by("item_id").agg(pl.col("category").last())
        rows = pl.DataFrame({"item_id": item_ids}).join(
            deepest, on="item_id", how="left", maintain_order="left"
        )
        category = rows["category"].fill_null("").rank("dense").to_numpy().astype(np.int32) - 1
        if rows["category"].null_count() == 0:
            category += 1
        tags = pl.DataFrame(pl.from_arrow(labelled.tables["tags"]))
        texts = sorted(tags["tag"].unique().to_list())
        number = {tag: place + 1 for place, tag in enumerate(texts)}
        frequency = {tag: count for tag, count in tags["tag"].value_counts().iter_rows()}
        by_item = dict(tags.group_by("item_id").agg("tag").iter_rows())
        held = [by_item.get(item, []) for item in item_ids]
        width = max(map(len, held), default=1) or 1
        found, weight = np.zeros([len(held), width], np.int32), np.zeros([len(held), width], np.float32)
        for row, some in enumerate(held):
            found[row, : len(some)] = [number[tag] for tag in some]
            weight[row, : len(some)] = [np.log(len(held) / frequency[tag]) for tag in some]
        weight /= np.maximum(np.linalg.norm(weight, axis=1, keepdims=True), 1e-9)
        searched = pl.DataFrame(pl.from_arrow(labelled.tables["interactions"]))["query"].unique()
        queries = sorted(query.lower() for query in searched if query)
        return Meaning(category, int(category.max(initial=0)) + 1, found, weight, texts, queries)


def intents(meaning: Meaning) -> TableSource:
    """The share of the query's intent that lies in an item's category: a number of searches.

    As the Labeler's: what was taken for the query by then, smoothed towards what was taken for its words.
    """
    keys = sorted({key for query in meaning.queries for key in _keys(query)})
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant(keys, tf.string, [len(keys)]), tf.range(1, len(keys) + 1)), 0
    )  # fmt: skip
    number = {key: place + 1 for place, key in enumerate(keys)}

    def build(past: Past) -> Arrays:
        votes = np.zeros([len(keys) + 1, meaning.categories], np.float32)
        for query, row in past.known.filter(pl.col("query") != "").select("query", "row").iter_rows():
            votes[[number[key] for key in _keys(query.lower())], meaning.category[row]] += 1
            votes[0, meaning.category[row]] += 1
        return {"votes": votes}

    def score(inputs: Inputs, kept: Tensors) -> Tensors:
        votes = kept["votes"]
        shop = votes[0] / tf.maximum(tf.reduce_sum(votes[0]), 1.0)
        smooth = (votes + _PRIOR * shop) / (tf.reduce_sum(votes, 1, keepdims=True) + _PRIOR)
        plain = tf.strings.lower(inputs.query, "utf-8")
        words = table.lookup(tf.strings.split(tf.strings.regex_replace(plain, _NO_WORD, " ")).to_tensor(""))
        known = tf.cast(words > 0, tf.float32)[:, :, None]
        said = tf.reduce_sum(tf.gather(smooth, words) * known, 1)
        heard = tf.reduce_sum(known, 1)
        prior = tf.where(heard > 0, said / tf.maximum(heard, 1.0), shop[None])
        whole = table.lookup(tf.strings.join(["=", plain]))
        own = tf.where(whole[:, None] > 0, tf.gather(votes, whole), 0.0)
        share = (own + _PRIOR * prior) / (tf.reduce_sum(own, 1, keepdims=True) + _PRIOR)
        return {"intent": tf.gather(share, meaning.category, axis=1)}

    return TableSource("intent", (Score("intent", share=True, only="searches"),), score, build)


def categories(meaning: Meaning) -> TableSource:
    """The share of what a user took that is of the item's category."""

    def score(inputs: Inputs, _: Tensors) -> Tensors:
        taken, groups = inputs.taken, meaning.categories
        segment = taken.owner * groups + tf.gather(meaning.category, taken.item)
        found = {}
        for name, worth in zip(_CATEGORY_NUMBERS, (taken.once, taken.counts["repeat_60"]), strict=True):
            total = tf.math.unsorted_segment_sum(worth, segment, inputs.batch * groups)
            total = tf.reshape(total, [inputs.batch, groups])
            share = tf.math.divide_no_nan(total, tf.reduce_sum(total, 1, keepdims=True))
            found[name] = tf.gather(share, meaning.category, axis=1)
        return found

    return TableSource(
        "categories", tuple(Score(name, only="recommendations") for name in _CATEGORY_NUMBERS), score
    )


def tags_asked(meaning: Meaning) -> TableSource:
    """The share of an item's tags, by weight, that a query names: a number of searches."""
    values = tf.range(1, len(meaning.tag_texts) + 1)
    keys = tf.constant(meaning.tag_texts, tf.string, [len(meaning.tag_texts)])
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), 0)
    groups = len(meaning.tag_texts) + 1

    def score(inputs: Inputs, _: Tensors) -> Tensors:
        plain = tf.strings.regex_replace(tf.strings.lower(inputs.query, "utf-8"), _NO_WORD, " ")
        words = tf.strings.split(plain)
        pairs = tf.strings.ngrams(words, 2, separator=" ")
        named = table.lookup(tf.concat([words, pairs], 1).to_tensor(""))
        asked = tf.reduce_max(tf.one_hot(named, groups), 1) * tf.constant([0.0, *[1.0] * (groups - 1)])
        return {"tags_asked": tf.reduce_sum(tf.gather(asked, meaning.tags, axis=1) * meaning.tag_weights, 2)}

    return TableSource("tags_asked", (Score("tags_asked", only="searches"),), score)


def _keys(query: str) -> list[str]:
    """A query's words, and itself."""
    return [*dict.fromkeys(re.findall(r"[^\W_]+", query)), f"={query}"]


SHIPPED = "tags"
NUMBERS: dict[str, tuple[str, ...]] = {
    SHIPPED: ("tags", "tags_share"),
    "intent": ("intent", "intent_share"),
    "categories": _CATEGORY_NUMBERS,
    "tags asked": ("tags_asked",),
}
"""What each source adds to a candidate."""


def register(meaning: Meaning) -> list[str]:
    """Adds the sources that a shop has labels for to the registry; returns their names in NUMBERS, and that of what is shipped.

    To be called before anything that derives from the registry is imported.
    """
    made = {"intent": intents, "categories": categories, "tags asked": tags_asked}
    there = {
        "intent": bool(meaning.queries) and meaning.categories > 1,
        "categories": meaning.categories > 1,
        "tags asked": bool(meaning.queries) and bool(meaning.tag_texts),
    }
    names = [name for name, some in there.items() if some]
    sources.SOURCES += [made[name](meaning) for name in names]
    return [SHIPPED, *names]
