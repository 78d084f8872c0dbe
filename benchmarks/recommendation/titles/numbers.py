"""Sources that read titles by BERT and are not shipped, as they would stand in `model/retrieval/sources/`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.ranking import inputs as texts
from aisle.model.retrieval import sources
from aisle.model.retrieval.sources.source import Arrays, Inputs, Past, Score, TableSource, Tensors
from aisle.model.spectrum import spectrum

Floats = npt.NDArray[np.float32]

TITLES = 5
"""How many of the latest titles a reader reads, and are compared one by one."""
RIDGE = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Of the map from texts to vectors, as multiples of the mean square of the texts; held-out items choose."""
SHARPNESS = (3.0, 6.0, 12.0, 24.0)
"""How much more the like counts than the unlike where others say where an item stands; held-out items choose."""
_FOLDS, _WIDTH, _SEED = 5, 128, 1

NUMBERS: dict[str, tuple[str, ...]] = {
    "cosine of titles": ("content", "content_share", "content_latest", "content_nearest"),
    "titles to spectrum, a linear map": ("mapped", "mapped_share"),
    "titles to spectrum, by the like": ("kindred", "kindred_share"),
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
    sources.SOURCES += [content(vectors), told(vectors), reading()]
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


def told(vectors: Floats) -> TableSource:
    """What those who took an item's like would take: where its text says that it stands among who took what.

    The spectrum as of each moment, and two maps from texts to it that are learnt from what was sold by then.
    """

    def build(past: Past) -> Arrays:
        counted = (past.by_user() + past.by_user("repeat_60")) / 2
        known = spectrum(counted, _WIDTH, _SEED)
        users = np.expm1(past.item_numbers["item_users"])
        return {"vectors": known, **maps(vectors, known, users)[0]}

    def score(inputs: Inputs, kept: Tensors) -> Tensors:
        taken = inputs.taken
        worth = (taken.once + taken.counts["repeat_60"])[:, None] / 2
        held = tf.gather(kept["vectors"], taken.item) * worth
        user = tf.math.unsorted_segment_sum(held, taken.owner, inputs.batch)
        return {name: tf.matmul(user, kept[name], transpose_b=True) for name in ("mapped", "kindred")}

    return TableSource("told", (Score("mapped", share=True), Score("kindred", share=True)), score, build)


def maps(texts: Floats, known: Floats, users: Floats) -> tuple[dict[str, Floats], dict[str, float]]:
    """Where texts say that items stand: by ridge regression, and by the mean of the items that are like them.

    An item's own vector never says where it stands: each fold of the items is told by the others.

    Args:
        texts: of length 1 or 0, float32 [n, d].
        known: the items' vectors, float32 [n, w].
        users: who took each, [n].

    Returns:
        `mapped` and `kindred`, float32 [n, w] each, and of each the share of the squares of the known vectors that it tells.
    """
    fold = np.random.default_rng(_SEED).integers(0, _FOLDS, len(texts))
    weight = np.log1p(users)
    ridge = [
        _folded(fold, lambda rest, to, one=one: _ridge(texts, known, weight, rest, to, one)) for one in RIDGE
    ]
    like = [
        _folded(fold, lambda rest, to, one=one: _like(texts, known, weight, rest, to, one))
        for one in SHARPNESS
    ]
    found, shares = {}, {}
    for name, guesses in (("mapped", ridge), ("kindred", like)):
        worth = [explained(guess, known, weight) for guess in guesses]
        found[name], shares[name] = guesses[int(np.argmax(worth))], max(worth)
    return found, shares


def _folded(fold: npt.NDArray[np.int64], told_by: Any) -> Floats:
    """What is told of each fold by the rest."""
    parts = [np.flatnonzero(fold == number) for number in range(_FOLDS)]
    found = [told_by(np.flatnonzero(fold != number), part) for number, part in enumerate(parts)]
    return np.concatenate(found)[np.argsort(np.concatenate(parts), kind="stable")].astype(np.float32)


def _ridge(
    texts: Floats, known: Floats, weight: Floats, rest: Any, to: Any, strength: float
) -> npt.NDArray[np.floating[Any]]:
    """The vectors of `to` by ridge regression on the texts of `rest`."""
    one, other = texts[rest], texts[rest] * weight[rest, None]
    squares = one.T @ other
    squares += strength * np.trace(squares) / len(squares) * np.eye(len(squares), dtype=np.float32)
    return np.asarray(texts[to] @ np.linalg.solve(squares, other.T @ known[rest]))


def _like(
    texts: Floats, known: Floats, weight: Floats, rest: Any, to: Any, sharpness: float
) -> npt.NDArray[np.floating[Any]]:
    """The vectors of `to` as the mean of those of `rest`, the like and the often taken counting more."""
    share = np.exp(sharpness * (texts[to] @ texts[rest].T - 1.0)) * weight[rest]
    return np.asarray((share @ known[rest]) / np.maximum(share.sum(1, keepdims=True), 1e-12))


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
