"""From a shop's reviews to what they say: the sentiment learnt, of each review by models that never saw it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import polars as pl
import tensorflow as tf

from aisle.components.reviews.changes import rises
from aisle.components.reviews.learnable import known_texts
from aisle.components.reviews.options import ReviewOptions
from aisle.components.reviews.phrases import frequent_phrases, occurrences
from aisle.components.reviews.spoken import spoken_of
from aisle.components.reviews.written import GOOD
from aisle.model.reviews.aspects import named
from aisle.model.reviews.sentiment import Learnt, learn
from aisle.model.text.bert import SentenceEncoder
from aisle.model.text.states import States

ANY = "anything"
"""Beside the aspects: a complaint, whatever it is of."""
_PHRASES_OF = 20_000
_OWN = 10
"""Phrases of the shop that aren't of an aspect and go most with good or bad."""
_SURE = 4.0
"""Standard deviations that their reviews are better or worse than chance."""


@dataclasses.dataclass(frozen=True)
class Analysis:
    """What reviews say.

    Attributes:
        scored: the reviews, with `good` (known), `probability` of being good (null without words), and a column `aspect:NAME`
            for each aspect.
        aspects: the phrases of each.
        accuracy: of the reviews known, judged by models of others.
        known: how many these are.
        spoken: what the reviews of each item speak of; see `components.reviews.spoken`.
    """

    scored: pl.DataFrame
    aspects: dict[str, list[str]]
    accuracy: float
    known: int
    spoken: pl.DataFrame

    def conflicts(self, options: ReviewOptions) -> pl.DataFrame:
        """Reviews whose stars and words say opposite things, the plainest first."""
        opposed = pl.when(pl.col(GOOD) == 1).then(1 - pl.col("probability")).otherwise("probability")
        found = self.scored.filter(pl.col("rating").is_not_null() & pl.col(GOOD).is_not_null())
        sure = found.with_columns(opposed.alias("opposed")).filter(pl.col("opposed") >= options.conflict)
        return sure.sort("opposed", descending=True).drop("opposed")

    def by_aspect(self, item: str | None = None) -> list[dict[str, Any]]:
        """How often each aspect is spoken of, and how good these reviews are, of the shop or an item."""
        rows = self.scored if item is None else self.scored.filter(pl.col("item_id") == item)
        found = []
        for name, phrases in self.aspects.items():
            spoken = rows.filter(pl.col(f"aspect:{name}"))
            good = spoken["probability"].mean()
            found.append({"aspect": name, "reviews": len(spoken), "good": good, "phrases": phrases})
        return sorted(found, key=lambda one: -one["reviews"])

    def rises(self, options: ReviewOptions) -> list[dict[str, Any]]:
        """Complaints that rose; see `components.reviews.changes`."""
        spoken = self.scored.filter(pl.col("probability").is_not_null())
        bad = pl.col("probability") < 0.5
        parts = [
            spoken.select("item_id", "timestamp", pl.lit(name).alias("aspect"), (bad & held).alias("bad"))
            for name, held in (
                (ANY, pl.lit(True)),
                *((name, pl.col(f"aspect:{name}")) for name in self.aspects),
            )
        ]
        return rises(pl.concat(parts), options)


def analyse(reviews: pl.DataFrame, bert: str, options: ReviewOptions) -> Analysis:
    """Learns the sentiment of reviews from those that are known, and judges all.

    Args:
        reviews: of `components.reviews.written`, with labels.
        bert: the folder of the encoder.
        options: what the settings say.
    """
    encoder = SentenceEncoder(bert)
    worded = reviews.filter(pl.col("text") != "")
    known = known_texts(reviews)
    learnt = _learnt(known, encoder, options)
    probability = dict(zip(known["text"], learnt.probability.tolist(), strict=True))
    others = [text for text in worded["text"].unique(maintain_order=True) if text not in probability]
    probability |= dict(zip(others, _judged(learnt, others, encoder, options), strict=True))
    accuracy = float(((learnt.probability > 0.5) == known[GOOD].to_numpy()).mean())
    column = [probability.get(text) for text in reviews["text"]]
    scored = reviews.with_columns(pl.Series("probability", column, pl.Float64))
    aspects, held_by = _aspects(worded["text"].to_list(), scored, encoder, options)
    speaks = [_speaks(name, phrases, held_by, len(scored)) for name, phrases in aspects.items()]
    spoken = spoken_of(scored, aspects, held_by)
    return Analysis(scored.with_columns(speaks), aspects, accuracy, len(known), spoken)


def _learnt(known: pl.DataFrame, encoder: SentenceEncoder, options: ReviewOptions) -> Learnt:
    """The sentiment, by as many states as the encoder may read."""
    texts, good = known["text"].to_list(), known[GOOD].to_numpy()
    if not options.encoded:
        return learn(texts, good, seed=options.seed)
    drawn = np.random.default_rng(options.seed).permutation(len(texts))[: options.encoded]
    states = States(encoder).read(tf.constant([texts[row] for row in drawn])).numpy()
    return learn(texts, good, states, drawn, options.seed)


def _judged(
    learnt: Learnt, texts: Sequence[str], encoder: SentenceEncoder, options: ReviewOptions
) -> list[float]:
    """The probabilities of texts of which nothing was known; of those that are too many, by their characters."""
    read = list(texts[: options.encoded]) if learnt.model.reads else []
    states = States(encoder)
    found: list[float] = []
    if read:
        found += learnt.model(tf.constant(read), states.read(tf.constant(read))).numpy().tolist()
    rest = list(texts[len(read) :])
    return found + (learnt.alone(tf.constant(rest)).numpy().tolist() if rest else [])


def _aspects(
    texts: list[str], scored: pl.DataFrame, encoder: SentenceEncoder, options: ReviewOptions
) -> tuple[dict[str, list[str]], dict[str, np.ndarray]]:
    """The aspects that the settings name, by the shop's phrases, and the shop's own; which reviews hold each phrase."""
    drawn = np.random.default_rng(options.seed).permutation(len(texts))[:_PHRASES_OF]
    phrases = frequent_phrases([texts[row] for row in drawn], options.phrases)
    words = sorted({word for seeds in options.aspects.values() for word in seeds})
    read = encoder.encode(tf.constant([*phrases, *words], tf.string)).numpy()
    vectors = dict(zip(words, read[len(phrases) :], strict=True))
    seeds = {
        name: np.stack([vectors[word] for word in told]) for name, told in options.aspects.items() if told
    }
    found = named(phrases, read[: len(phrases)], seeds)
    held_by = occurrences(scored["text"].to_list(), phrases)
    taken = {phrase for held in found.values() for phrase in held}
    rest = {phrase: held_by[phrase] for phrase in phrases if phrase not in taken}
    own = _own(rest, scored["probability"].to_numpy())
    aspects = {name: held for name, held in found.items() if held} | {phrase: [phrase] for phrase in own}
    return aspects, held_by


def _speaks(aspect: str, phrases: list[str], held_by: dict[str, np.ndarray], count: int) -> pl.Series:
    """Which of the reviews speak of an aspect."""
    there = np.zeros(count, bool)
    there[np.concatenate([held_by[phrase] for phrase in phrases])] = True
    return pl.Series(f"aspect:{aspect}", there)


def _own(held_by: dict[str, np.ndarray], probability: np.ndarray) -> list[str]:
    """The phrases whose reviews differ most in sentiment from all."""
    mean, spread = np.nanmean(probability), np.nanstd(probability) + 1e-9
    sure = {
        phrase: abs(np.nanmean(probability[rows]) - mean) * np.sqrt(len(rows)) / spread
        for phrase, rows in held_by.items()
        if len(rows)
    }
    likely = sorted(sure, key=lambda phrase: -sure[phrase])[:_OWN]
    return [phrase for phrase in likely if sure[phrase] >= _SURE]
