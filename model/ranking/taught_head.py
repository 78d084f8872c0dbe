"""The ranking head of another shop as this one's begins: its weights, and the bins of numbers that mean the same in both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from aisle.model.ranking.numbers import Ensemble, bin_edges
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.transfer.taught import Cells, HeadWeights

PART = "head"
NUMBERS = tuple(feature.name for feature in CANDIDATE_FEATURES)
OF_THE_SHOP = (
    *("popularity", "popularity_7", "popularity_28", "popularity_90", "popularity_all", "item_users"),
    "price_level",
)
"""Numbers whose scale is the shop's size or its currency: a place among its own says the same in another."""


def taught_head(features: Ensemble) -> HeadWeights:
    """What a trained ensemble teaches."""
    return HeadWeights(NUMBERS, features.heads[0].edges, [head.get_weights() for head in features.heads])


def why_not(theirs: HeadWeights | None) -> str:
    """Why a head can't begin with another's; "" where it can."""
    if theirs is None:
        return "the other shop's head teaches nothing"
    if theirs.numbers != NUMBERS:
        return (
            f"the other shop's head reads {len(theirs.numbers)} numbers and this version's {len(NUMBERS)}, of which "
            f"{len(set(theirs.numbers) & set(NUMBERS))} are the same: run this version on that shop again"
        )
    return ""


def edges_from(theirs: HeadWeights, values: npt.NDArray[np.float32]) -> Cells:
    """The edges of the bins: theirs, but of what is OF_THE_SHOP the quantiles of this shop's own numbers: [F, T + 1].

    Args:
        theirs: another shop's.
        values: this shop's numbers, float32 [n, F].
    """
    own = bin_edges(values, theirs.edges.shape[1] - 1)
    named = np.isin(np.array(theirs.numbers), OF_THE_SHOP)
    return np.where(named[:, None], own, theirs.edges).astype(np.float32)
