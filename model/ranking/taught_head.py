"""The ranking head that another shop gives: its weights to begin with, or an order of what it lends, where nothing can be learnt.

Of weights come along the bins of numbers that mean the same in both.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

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

FOLLOWS, BEFORE, SELLS = "latest_basket", "baskets", "popularity"
"""Numbers: what goes with what the visitor took in this visit, and with what ever; and what sells."""
_LEAST = 1e-4
"""What an item that goes with nothing counts."""
_EVER, _SELLING = 0.1, 0.5


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


class UntoldHead(Ensemble):
    """Orders by what is likely to be taken next and, where that is the same, by what is likely to sell.

    Both are what another shop lends (`aisle.model.transfer`), so that a visitor who took something is answered by that. A head
    that has learnt elsewhere reads counts beside them, which here are all nothing.

    Example:
        >>> numbers = np.zeros([2, len(CANDIDATE_FEATURES)], np.float32)
        >>> numbers[1, [feature.name for feature in CANDIDATE_FEATURES].index("latest_basket")] = 0.4
        >>> some, other = UntoldHead()(tf.constant(numbers))[:, 0].numpy()
        >>> bool(other > some)
        True
    """

    def __init__(self) -> None:
        super().__init__([])

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """As `FeatureHead`: float32 [n, F] to [n, 2]."""
        follows, before, sells = (
            tf.where(tf.math.is_finite(value), value, 0.0)
            for value in (features[:, NUMBERS.index(name)] for name in (FOLLOWS, BEFORE, SELLS))
        )
        score = tf.math.log(_LEAST + follows + _EVER * before) + _SELLING * sells
        return tf.stack([score, tf.zeros_like(score)], 1)
