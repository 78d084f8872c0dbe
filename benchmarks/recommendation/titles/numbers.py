"""Numbers that titles tell by BERT: the shipped ones, and sources that are not, as they would stand in `model/retrieval/sources/`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.ranking import inputs as texts
from aisle.model.retrieval import sources
from aisle.model.retrieval.sources import spectrum
from aisle.model.retrieval.sources.source import Arrays, Inputs, Past, Score, TableSource, Tensors

Floats = npt.NDArray[np.float32]

TITLES = 5
"""How many of the latest titles a reader reads, and are compared one by one."""
SHARPNESS = (3.0, 6.0, 12.0, 24.0)
"""How much more the like counts than the unlike where others say where an item stands; held-out items choose."""
_FOLDS, _SEED = 5, 1

MAPPED, KINDRED = ("spectrum_by_text", "spectrum_by_text_share"), ("kindred", "kindred_share")
"""The first are the product's own."""
NUMBERS: dict[str, tuple[str, ...]] = {
    "cosine of titles": ("content", "content_share", "content_latest", "content_nearest"),
    "titles to spectrum, a linear map": MAPPED,
    "titles to spectrum, by the like": KINDRED,
    "titles to spectrum, both": MAPPED + KINDRED,
    "read together": ("read",),
}
"""What each adds to a candidate."""
MOMENT = "shop_age"
"""Days since the shop's first event, by which examples are parted in time; no head reads it."""


def register(tower: Any) -> None:
    """Adds the sources to the registry, and lets readers read TITLES titles of a history.

    To be called before anything that derives from the registry is imported.

    Args:
        tower: a loaded TwoTowerModule.
    """
    vectors = centred(tower.text_embeddings.numpy())
    sources.SOURCES += [content(vectors), told_by_the_like(vectors), reading()]
    texts.HISTORY_TITLES = TITLES


def centred(embeddings: Floats) -> Floats:
    """Texts of length 1, without what all share; one that says nothing stays 0: float32 [n, d]."""
    said = np.any(embeddings != 0, axis=1)
    shared = embeddings[said].mean(0) if said.any() else 0.0
    apart = np.where(said[:, None], embeddings - shared, 0.0)
    length = np.linalg.norm(apart, axis=1, keepdims=True)
    return np.divide(apart, length, out=np.zeros_like(apart), where=length > 0).astype(np.float32)


def content(vectors: Floats) -> TableSource:
    """How like an item's title is to those of what was taken: all, the late ones more; the latest; the most alike of these."""

    def score(inputs: Inputs, _: Tensors) -> Tensors:
        taken, titles = inputs.taken, tf.constant(vectors)
        profile = tf.math.unsorted_segment_sum(
            tf.gather(titles, taken.item) * taken.counts["repeat_60"][:, None], taken.owner, inputs.batch
        )
        whole = tf.matmul(tf.math.l2_normalize(profile, 1), titles, transpose_b=True)
        owner, item = latest(taken.owner, taken.item, taken.ages[:, 0])
        cosines = tf.matmul(tf.gather(titles, item), titles, transpose_b=True)
        # An item isn't like itself: that it was taken, other numbers say.
        others = cosines - 2.0 * tf.one_hot(item, inputs.count)
        nearest = tf.math.unsorted_segment_max(others, owner, inputs.batch)
        return {
            "content": whole,
            "content_latest": tf.math.unsorted_segment_mean(cosines, owner, inputs.batch),
            "content_nearest": tf.maximum(nearest, -1.0),
        }

    numbers = (Score("content", share=True), Score("content_latest"), Score("content_nearest"))
    return TableSource("content", numbers, score)


def latest(owner: tf.Tensor, item: tf.Tensor, age: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The TITLES pairs of each owner that were taken last: int32 [t] to [s] each, of ages in days, float32 [t]."""
    order = tf.argsort(tf.cast(owner, tf.float64) * 1e6 + tf.cast(age, tf.float64), stable=True)
    owner, item = tf.gather(owner, order), tf.gather(item, order)
    first = tf.searchsorted(owner, owner)
    kept = tf.range(tf.size(owner)) - first < TITLES
    return tf.boolean_mask(owner, kept), tf.boolean_mask(item, kept)


def told_by_the_like(vectors: Floats) -> TableSource:
    """What those who took an item's like would take: the spectrum as of each moment, told by the like of each item.

    Where a linear map of its text says that it stands, which is a number of the product, is beside it.
    """

    def build(past: Past) -> Arrays:
        known = spectrum.SOURCE.build(past)["vectors"]
        return {"vectors": known, "kindred": by_the_like(vectors, known, past.item_numbers["item_users"])}

    def score(inputs: Inputs, kept: Tensors) -> Tensors:
        taken = inputs.taken
        worth = (taken.once + taken.counts["repeat_60"])[:, None] / 2
        held = tf.gather(kept["vectors"], taken.item) * worth
        user = tf.math.unsorted_segment_sum(held, taken.owner, inputs.batch)
        return {"kindred": tf.matmul(user, kept["kindred"], transpose_b=True)}

    return TableSource("told", (Score("kindred", share=True),), score, build)


def by_the_like(texts: Floats, known: Floats, weight: Floats) -> Floats:
    """Where items stand, by the mean of the items that are like them.

    An item's own vector never says where it stands: each fold of the items is told by the others.

    Args:
        texts: of length 1 or 0, float32 [n, d].
        known: the items' vectors, float32 [n, w].
        weight: what each counts, [n].

    Returns:
        float32 [n, w], as sharp as tells most of the squares of the known vectors.
    """
    fold = np.random.default_rng(_SEED).integers(0, _FOLDS, len(texts))
    guesses = [_folded(fold, texts, known, weight, one) for one in SHARPNESS]
    return guesses[int(np.argmax([explained(guess, known, weight) for guess in guesses]))]


def _folded(
    fold: npt.NDArray[np.int64], texts: Floats, known: Floats, weight: Floats, sharpness: float
) -> Floats:
    """Each fold's vectors as the mean of the others', the like and the often taken counting more."""
    found = np.zeros_like(known)
    for number in range(_FOLDS):
        rest, to = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        share = np.exp(sharpness * (texts[to] @ texts[rest].T - 1.0)) * weight[rest]
        found[to] = share @ known[rest] / np.maximum(share.sum(1, keepdims=True), 1e-12)
    return found


def explained(guess: Floats, truth: Floats, weight: Floats) -> float:
    """What share of the squares of the true vectors one multiple of the guesses tells: 0 to 1."""
    both, squares, whole = (
        float(weight @ (a * b).sum(1)) for a, b in ((guess, truth), (guess, guess), (truth, truth))
    )
    return both**2 / max(squares * whole, 1e-12)


def reading() -> TableSource:
    """The place of what a reader says of a candidate, which is filled in afterwards; and the moment that is asked about."""

    def build(past: Past) -> Arrays:
        oldest = float(past.known["age"].max() or 0.0)  # type: ignore[arg-type]
        return {"age": np.full(past.count, oldest, np.float32)}

    def score(inputs: Inputs, kept: Tensors) -> Tensors:
        age = inputs.everywhere(kept["age"])
        return {"read": tf.zeros_like(age), MOMENT: age}

    return TableSource("reading", (Score("read"), Score(MOMENT)), score, build)
