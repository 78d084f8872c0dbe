"""Where items that nobody took stand: among those that are described alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import tensorflow as tf

from aisle.model.spilled import SpilledRows

SHARPNESS = (3.0, 6.0, 12.0, 24.0)
"""How much more the like may count than the unlike: at 3, an item of cosine 1 counts e^3 times as much as one of cosine 0."""
_TOLD = 2_000
"""So many items, whose vectors are known, say which of these tells them best."""
_TAKEN_OFTEN = 10
"""What so many users took is told by them alone."""
_MOST_COMPARED = 20_000
"""Of a larger catalogue so many items, drawn evenly, stand for all that were taken."""
_BLOCK = 512
_TEXTS_AT_ONCE = 65_536

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


def kin_of(features: dict[str, Any], vectors: Floats, times: Floats, unbranded: int, seed: int) -> Floats:
    """The mean vector of the other items that were taken, the like and the often taken counting more.

    How much more the like count is what tells the vectors of the items that were taken best, each by the others. Those
    that the like of it agree on are long, others short. Items are alike by the cosine of what is said of them:
    text, categories and brand, each as long as the others, as far as an item has them; from a text is taken what all
    share, and a category counts the more the fewer items have it.

    Source: kernel regression (Nadaraya, On Estimating Regression, 1964) as the map from attributes to factors of Gantner
    et al., Learning Attribute-to-Feature Mappings for Cold-Start Recommendations, ICDM 2010.

    Args:
        features: of the catalogue, `item_id` [n], `text` float32 [n, text width] or in a file, ragged `category` [n, (c)], `brand` [n].
        vectors: of the items by id, float32 [items, width].
        times: how many users took each, float32 [items].
        unbranded: the `brand` of an item that has none.
        seed: of which items are compared with.

    Returns:
        float32 [n, width]; zeros of what `_TAKEN_OFTEN` users took, and where nothing else was taken.

    Example:
        >>> features = {
        ...     "item_id": tf.constant([0, 1, 2]), "text": tf.constant([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]),
        ...     "category": tf.ragged.constant([[], [], []], dtype=tf.int64), "brand": tf.constant([0, 0, 0]),
        ... }
        >>> vectors, times = np.eye(3, 2, dtype=np.float32), np.array([1, 1, 0], np.float32)
        >>> kin_of(features, vectors, times, unbranded=0, seed=1)[2].round(2).tolist()  # It is said to be like the first.
        [1.0, 0.0]
    """
    item = features["item_id"].numpy()
    often = times[item]
    compared, asked = np.flatnonzero(often > 0), np.flatnonzero(often < _TAKEN_OFTEN)
    if len(compared) > _MOST_COMPARED:
        compared = np.sort(np.random.default_rng(seed).choice(compared, _MOST_COMPARED, replace=False))
    found = np.zeros((len(item), vectors.shape[1]), np.float32)
    if not len(compared):
        return found
    text, facts = _described(features, often > 0, unbranded)
    others = _Others(text, facts, compared, np.log1p(often[compared]), vectors[item[compared]])
    known = np.random.default_rng(seed).permutation(compared)[:_TOLD]
    truth, weight = vectors[item[known]], np.log1p(often[known])

    def worth(sharpness: float) -> float:
        return _told(np.concatenate([mean for _, mean in others.means(known, sharpness)]), truth, weight)

    for rows, mean in others.means(asked, max(SHARPNESS, key=worth)):
        found[rows] = mean
    return found


@dataclasses.dataclass(frozen=True)
class _Others:
    """The items that others are compared with: their rows in the catalogue, ascending, how much each counts, and their vectors."""

    text: _Texts
    facts: sp.csr_matrix
    rows: Rows
    counts: Floats
    vectors: Floats

    def means(self, asked: Rows, sharpness: float) -> Iterator[tuple[Rows, Floats]]:
        """Some rows of the catalogue after the other, and what these items say of each, float32 [r, width]."""
        text, facts = self.text.of(self.rows).T, self.facts[self.rows].T
        for start in range(0, len(asked), _BLOCK):
            block = asked[start : start + _BLOCK]
            # In place: a block is larger than a processor's cache, and each is gone through for all items.
            weight = self.text.of(block) @ text
            weight += (self.facts[block] @ facts).toarray()
            weight -= 1.0
            weight *= sharpness
            np.exp(weight, out=weight)
            weight *= self.counts
            place = np.minimum(np.searchsorted(self.rows, block), len(self.rows) - 1)
            itself = np.flatnonzero(self.rows[place] == block)
            weight[itself, place[itself]] = 0.0  # An item says nothing of itself.
            mean = (weight @ self.vectors) / np.maximum(weight.sum(1, keepdims=True), 1e-12)
            yield block, mean.astype(np.float32)


def _told(guess: Floats, truth: Floats, weight: Floats) -> float:
    """What share of the known vectors' squares is told by one multiple of the guesses."""
    both, squares = (weight @ (guess * other).sum(1) for other in (truth, guess))
    return float(both**2 / max(squares, 1e-12))


@dataclasses.dataclass
class _Texts:
    """The catalogue's texts as they are compared, made anew where they are asked for: the embeddings alone are held.

    Attributes:
        embeddings: float32 [n, d].
        shared: what all share, float32 [d]; None takes nothing from them.
        share: the length of each, float32 [n].
    """

    embeddings: tf.Tensor | SpilledRows
    shared: Floats | None
    share: Floats

    @staticmethod
    def centred(embeddings: tf.Tensor | SpilledRows, taken: npt.NDArray[np.bool_]) -> _Texts:
        """Of length 1, without what those that were taken share."""
        texts = _Texts(embeddings, None, np.ones(len(embeddings), np.float32))
        total, count = np.zeros(embeddings.shape[1]), 0
        for rows in texts.blocks():
            text = texts.of(rows)
            said = text[np.any(text != 0, axis=1) & taken[rows]]
            total, count = total + said.sum(0), count + len(said)
        return dataclasses.replace(texts, shared=(total / count).astype(np.float32)) if count else texts

    def blocks(self) -> Iterator[Rows]:
        """All rows, many at once."""
        for start in range(0, len(self.share), _TEXTS_AT_ONCE):
            yield np.arange(start, min(start + _TEXTS_AT_ONCE, len(self.share)))

    def of(self, rows: Rows) -> Floats:
        """Some of them: float32 [r, d]."""
        spilled = isinstance(self.embeddings, SpilledRows)
        text = self.embeddings[rows] if spilled else tf.gather(self.embeddings, rows).numpy()
        text = _unit(text.astype(np.float32, copy=False))
        if self.shared is not None:
            text = _unit(np.where(np.any(text != 0, axis=1)[:, None], text - self.shared, np.float32(0.0)))
        return text * self.share[rows][:, None]

    def said(self) -> npt.NDArray[np.bool_]:
        """Which of them say anything: bool [n]."""
        return np.concatenate([np.any(self.of(rows) != 0, axis=1) for rows in self.blocks()])


def _described(
    features: dict[str, Any], taken: npt.NDArray[np.bool_], unbranded: int
) -> tuple[_Texts, sp.csr_matrix]:
    """What is said of each item: its text, float32 [n, d], and its facts [n, f]; both together of length 1, or 0."""
    text = _Texts.centred(features["text"], taken)
    category, brand = features["category"], np.ravel(features["brand"].numpy())
    branded = np.flatnonzero(brand != unbranded)
    told = ((category.value_rowids().numpy(), category.values.numpy()), (branded, brand[branded]))
    parts = [_facts(rows, ids, len(taken)) for rows, ids in told]
    has = np.stack([text.said(), *(np.asarray(abs(part).sum(1)).ravel() > 0 for part in parts)], 1)
    share = (1.0 / np.sqrt(np.maximum(has.sum(1), 1))).astype(np.float32)
    facts = sp.hstack([sp.diags(share) @ part for part in parts]).tocsr()
    return dataclasses.replace(text, share=share), facts


def _facts(rows: npt.NDArray[np.int64], ids: npt.NDArray[np.int64], count: int) -> sp.csr_matrix:
    """Rows of length 1, each fact by how rare it is; what all items share says nothing: [n, facts]."""
    facts = sp.csr_matrix(
        (np.ones(len(rows), np.float32), (rows, ids)), (count, int(ids.max(initial=0)) + 1)
    ).sign()
    had = np.asarray(facts.sum(0)).ravel()
    rare = np.log(count / np.maximum(had, 1.0)).astype(np.float32)
    weighed = facts @ sp.diags(rare)
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(1))).ravel()
    return sp.diags(np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)) @ weighed


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
