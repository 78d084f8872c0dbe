"""What must be beaten on the next item of a domain: popularity, and item-kNN within and across domains.

The co-counts of two items are divided by the root of how many took the first, and not by how many took the other, which
loses half; a user counts by the inverse root of how much they took.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from aisle.model.retrieval.domains.takings import Floats, Ints, Questions

RECENCY = 0.8
OTHERS = 0.3
"""What the other domain's item-kNN counts beside the own one's."""
POPULARITY, OWN = "popularity", f"item-kNN of the domain itself, recency {RECENCY}^k"
BOTH, OTHER = f"the same and {OTHERS} of the other domain's", "the other domain's alone"
_BLOCK = 250


def baseline_ranks(questions: Questions) -> dict[str, Ints]:
    """The place of each wanted item, from 0, by name; of equals the first in the catalogue leads."""
    learnt = questions.learnt
    taken = learnt.by_user()
    counts = np.asarray(taken.sum(0)).ravel()
    size = np.asarray(taken.sum(1)).ravel()
    weighed = sp.diags(1.0 / np.sqrt(np.maximum(size, 1.0))) @ taken
    near = (sp.diags(1.0 / np.sqrt(np.maximum(counts, 1.0))) @ (taken.T @ weighed)).tocsr()
    near.setdiag(0.0)
    inside = np.flatnonzero(learnt.domains == questions.domain)
    near = near[:, inside]
    found: dict[str, list[Ints]] = {OWN: [], BOTH: [], OTHER: []}
    for start in range(0, len(questions.targets), _BLOCK):
        part = questions.part(slice(start, start + _BLOCK))
        own, other = ((histories @ near).toarray() for histories in _recent(part))
        for name, scores in zip((OWN, BOTH, OTHER), (own, own + OTHERS * other, other), strict=True):
            found[name].append(_ranks(scores, part, inside))
    ranks = {name: np.concatenate(parts) for name, parts in found.items()}
    return {POPULARITY: popularity_ranks(questions), **ranks}


def popularity_ranks(questions: Questions) -> Ints:
    """The place of each wanted item by how often it was taken."""
    inside = np.flatnonzero(questions.takings.domains == questions.domain)
    learnt = questions.learnt
    counts = np.bincount(learnt.items, minlength=learnt.count)[inside].astype(np.float64)
    return np.concatenate(
        [
            _ranks(np.tile(counts, (len(part.targets), 1)), part, inside)
            for part in (
                questions.part(slice(start, start + _BLOCK))
                for start in range(0, len(questions.targets), _BLOCK)
            )
        ]
    )


def _recent(questions: Questions) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """The histories in the domain and outside of it; of each the latest item counts 1, each before it RECENCY as much."""
    takings = questions.takings
    cells: tuple[list[tuple[float, int, int]], list[tuple[float, int, int]]] = ([], [])
    for number, (start, end) in enumerate(zip(questions.starts, questions.targets, strict=True)):
        history = takings.items[start:end][::-1]
        own = takings.domains[history] == questions.domain
        for side, chosen in zip(cells, (history[own], history[~own]), strict=True):
            side += [(RECENCY**place, number, item) for place, item in enumerate(chosen)]
    shape = (len(questions.targets), takings.count)
    parts = [np.array(side, np.float64).reshape(-1, 3).T for side in cells]
    own_part, other_part = (
        sp.csr_matrix((value, (row.astype(int), item.astype(int))), shape) for value, row, item in parts
    )
    return own_part, other_part


def _ranks(scores: Floats, questions: Questions, inside: Ints) -> Ints:
    scores[questions.histories()[:, inside].nonzero()] = -np.inf
    wanted = np.searchsorted(inside, questions.wanted)
    own = scores[np.arange(len(wanted)), wanted][:, None]
    before = np.arange(len(inside))[None] < wanted[:, None]
    return np.asarray(((scores > own) | (scores == own) & before).sum(1), np.int64)
