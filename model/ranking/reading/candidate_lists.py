"""Ranking examples as lists: the candidates of one query, or of one history, together."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Lists:
    """Lists of ranking examples.

    Example:
        >>> lists = whole_lists(np.array([0, 0, 0, 1]), judged=np.array([False, False, False, True]), size=2)
        >>> lists.rows.tolist(), lists.judged.tolist()
        ([[0, 1], [2, -1], [3, -1]], [False, False, True])

    Attributes:
        rows: row numbers of the examples, -1 pads, int64 [lists, size].
        judged: whether people judged the list's candidates, bool [lists].
    """

    rows: np.ndarray
    judged: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def whole_lists(question: np.ndarray, judged: np.ndarray, size: int) -> Lists:
    """Every judged question as one list; of the others pieces of at most `size`.

    Args:
        question: which question each example belongs to, int [n].
        judged: whether people judged that question, bool [n].
        size: of a piece.
    """
    groups = _groups(question)
    pieces = []
    for group in groups:
        step = len(group) if judged[group[0]] else size
        pieces += [group[start : start + step] for start in range(0, len(group), step)]
    return _lists(pieces, judged)


def drawn_lists(
    question: np.ndarray,
    judged: np.ndarray,
    outcome: np.ndarray,
    size: int,
    epochs: int,
    rng: np.random.Generator,
) -> Lists:
    """Lists to learn from, in random order: as many for each epoch.

    Of a judged question at most five eighths of a list are worth something; the rest are worth nothing, judged so or retrieved and not judged. So every list has something to tell apart, and a
    question with many good candidates gives more lists.

    Args:
        question: which question each example belongs to, int [n].
        judged: whether people judged that question, bool [n].
        outcome: the grade's share, 0 to 1, float [n].
        size: of a list.
        epochs: how many times every candidate that is worth something is drawn.
        rng: draws.
    """
    pieces = []
    for _ in range(epochs):
        epoch = []
        for group in _groups(question):
            group = rng.permutation(group)
            if not judged[group[0]]:
                epoch += [group[start : start + size] for start in range(0, len(group), size)]
                continue
            good, bad = group[outcome[group] > 0], group[outcome[group] <= 0]
            step = max(1, size * 5 // 8)
            for start in range(0, len(good), step):
                chosen = good[start : start + step]
                epoch.append(np.concatenate([chosen, rng.permutation(bad)[: size - len(chosen)]]))
        pieces += [epoch[place] for place in rng.permutation(len(epoch))]
    return _lists(pieces, judged)


def _groups(question: np.ndarray) -> list[np.ndarray]:
    """The rows of each question, in their order."""
    if not len(question):
        return []
    order = np.argsort(question, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(question[order])) + 1)


def _lists(pieces: list[np.ndarray], judged: np.ndarray) -> Lists:
    rows = np.full([len(pieces), max((len(piece) for piece in pieces), default=1)], -1, np.int64)
    for place, piece in enumerate(pieces):
        rows[place, : len(piece)] = piece
    return Lists(rows, np.array([judged[piece[0]] for piece in pieces], bool))
