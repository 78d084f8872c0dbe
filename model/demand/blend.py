"""How far the network is followed and how far an item's own recent weeks, by the class of its demand."""

from __future__ import annotations

import numpy as np

from aisle.model.demand.classes import CLASSES

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
FEWEST = 200
"""Rows of a class, below which it gets what is best for all."""


def blended(net: np.ndarray, own: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Quantiles [n, spans, q], or means [n, spans], with the network's share [n, spans] of each."""
    share = share.reshape(*share.shape, *(1,) * (net.ndim - share.ndim))
    return share * net + (1 - share) * own


def shares(
    net: np.ndarray,
    own: np.ndarray,
    totals: np.ndarray,
    weight: np.ndarray,
    classes: np.ndarray,
    levels: np.ndarray,
) -> np.ndarray:
    """The share of the network with the least pinball loss on rows that neither learnt from: [classes, spans].

    Args:
        net: its quantiles, [n, spans, q].
        own: quantiles of the empirical forecast, too.
        totals: what came, [n, spans]; NaN is unknown.
        weight: of a unit of each row, [n].
        classes: of each row, [n].
        levels: [q].
    """
    loss = np.stack(
        [pinball(share * net + (1 - share) * own, totals, levels) * weight[:, None] for share in SHARES]
    )
    best = np.nansum(loss, 1).argmin(0)
    found = [
        best if (classes == one).sum() < FEWEST else np.nansum(loss[:, classes == one], 1).argmin(0)
        for one in range(len(CLASSES))
    ]
    return np.asarray(SHARES)[np.stack(found)]


def pinball(quantiles: np.ndarray, totals: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The mean pinball loss over the levels, in units: quantiles [n, spans, q] to [n, spans]; NaN where unknown."""
    over = totals[..., None] - quantiles
    return np.maximum(levels * over, (levels - 1) * over).mean(-1)


def mean_of(quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The mean of a distribution that has these quantiles and jumps halfway between their levels: [..., q] to [...]."""
    edges = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]])
    return (quantiles * np.diff(edges)).sum(-1)
