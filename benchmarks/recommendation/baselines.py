"""What a recommender must beat: each a function of the protocol, fitted in the same process on the same data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg, sparse

from aisle.components.evaluator.baselines import recommenders as baselines
from aisle.components.evaluator.baselines.recommenders import HALF_LIFE_DAYS, Train, top_k
from aisle.components.evaluator.measures.metrics import Floats, Ints
from aisle.components.evaluator.measures.protocol import Protocol
from aisle.schema.tables import MICROSECONDS_PER_DAY

EASE_L2 = 200.0
FACTORS = 64

System = Callable[[Protocol, bool, int], "Ints | None"]
"""(protocol, exclude_seen, k) to item indices [users, k]; None where the method has no answer."""


def _popularity(protocol: Protocol, new: bool, k: int) -> Ints:
    return baselines.popularity(protocol.train, protocol.users, k, exclude_seen=new)


def _own_history(protocol: Protocol, new: bool, k: int) -> Ints | None:
    return None if new else baselines.own_history(protocol.train, protocol.users, k)


def _item_knn(protocol: Protocol, new: bool, k: int) -> Ints:
    return baselines.item_knn(protocol.train, protocol.users, k, exclude_seen=new)


def ease_weights(taken: sparse.csr_matrix, l2: float) -> Floats:
    """EASE's item-to-item weights in float64 (Steck, WWW 2019, equation 8). [n, n]."""
    gram = np.asarray((taken.T @ taken).todense(), np.float64)
    gram[np.diag_indices(len(gram))] += l2
    factor = linalg.cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
    lower = linalg.lapack.dpotri(factor, lower=True)[0]
    inverse = np.tril(lower) + np.tril(lower, -1).T
    weights = -inverse / np.diag(inverse)[None]
    weights[np.diag_indices(len(weights))] = 0.0
    return np.asarray(weights, np.float64)


def _scores(protocol: Protocol) -> tuple[Floats, Floats]:
    """EASE's scores and the recency-weighted own history of the tested users, [users, items]."""
    taken = baselines.seen(protocol.train)
    scores = np.asarray(taken[protocol.users] @ ease_weights(taken, EASE_L2))
    return scores, _recency(protocol.train)[protocol.users].toarray()


def _recency(train: Train) -> sparse.csr_matrix:
    mine = train.users >= 0
    age = (train.cut - train.timestamps[mine]) / (HALF_LIFE_DAYS * MICROSECONDS_PER_DAY)
    cells = (train.users[mine], train.items[mine])
    return sparse.csr_matrix((np.exp2(-age), cells), shape=(train.n_users, train.n_items))


def _ease(protocol: Protocol, new: bool, k: int) -> Ints:
    return _best(protocol, _scores(protocol)[0], new, k)


def _ease_and_history(protocol: Protocol, new: bool, k: int) -> Ints:
    """EASE with the own history on top: for new items, EASE of the recency-weighted history."""
    taken = baselines.seen(protocol.train)
    scores, recency = _scores(protocol)
    if new:
        return _best(protocol, recency @ ease_weights(taken, EASE_L2), new, k)
    return _best(protocol, scores + recency, new, k)


def _implicit(model: Callable[[], Any]) -> System:
    def answer(protocol: Protocol, new: bool, k: int) -> Ints:
        taken = baselines.seen(protocol.train).astype(np.float32)
        fitted = model()
        fitted.fit(taken, show_progress=False)
        users = np.asarray(fitted.user_factors)[protocol.users]
        return _best(protocol, np.asarray(users @ np.asarray(fitted.item_factors).T, np.float64), new, k)

    return answer


def _ials() -> object:
    from implicit.als import AlternatingLeastSquares

    return AlternatingLeastSquares(FACTORS, regularization=10.0, alpha=2.0, iterations=15, random_state=1)


def _bpr() -> object:
    from implicit.bpr import BayesianPersonalizedRanking

    return BayesianPersonalizedRanking(FACTORS, learning_rate=0.05, iterations=150, random_state=1)


def _best(protocol: Protocol, scores: Floats, new: bool, k: int) -> Ints:
    """The k best items that were taken before the cut, without what the user took if `new`."""
    train = protocol.train
    known = np.bincount(train.items, minlength=train.n_items) > 0
    scores = np.where(known, scores, -np.inf)
    if new:
        scores[baselines.seen(train)[protocol.users].nonzero()] = -np.inf
    return top_k(scores, k)


SYSTEMS: dict[str, System] = {
    "popularity, last 28 days": _popularity,
    "own history, recency-weighted": _own_history,
    "item-kNN (cosine)": _item_knn,
    f"BPR-MF, {FACTORS} (implicit)": _implicit(_bpr),
    f"iALS, {FACTORS} (implicit)": _implicit(_ials),
    f"EASE, λ={EASE_L2:g}": _ease,
    "EASE + own history": _ease_and_history,
}
