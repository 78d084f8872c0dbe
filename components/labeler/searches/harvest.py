"""Position bias from the shop's own randomness: the same result of the same query at other positions."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_STEPS, _TOLERANCE = 500, 1e-7


@dataclasses.dataclass(frozen=True)
class Cells:
    """Impressions summed by query-item pair and place (a position, or a few that are taken together).

    Attributes:
        pair: [c] the pair, from 0.
        place: [c] the place, from 0 at the top.
        shown: [c] how often.
        clicked: [c] how often of them it was clicked.
    """

    pair: Ints
    place: Ints
    shown: Floats
    clicked: Floats

    @property
    def places(self) -> int:
        """How many places there are."""
        return int(self.place.max(initial=-1)) + 1

    def take(self, rows: NDArray[Any]) -> Cells:
        """The cells at `rows`."""
        return Cells(self.pair[rows], self.place[rows], self.shown[rows], self.clicked[rows])


@dataclasses.dataclass(frozen=True)
class Harvest:
    """What the pairs seen at several places say.

    Attributes:
        examined: [p] how likely each place is looked at, as a share of the first place's.
        error: [p] the standard error of the logarithm of `examined`.
        clicks: [p] the clicks at each place that it rests on.
        joined: whether pairs lead from every place to every other, as a comparison needs.
    """

    examined: Floats
    error: Floats
    clicks: Floats
    joined: bool


def harvest(cells: Cells) -> Harvest:
    """Estimates how likely each place is looked at from pairs that were shown at several places.

    Intervention harvesting (Agarwal et al. 2019, Estimating position bias without intrusive
    interventions): rankings change, so a pair turns up at several positions, and what its clicks differ
    in is the position's doing, as long as the position did not follow from how well it was liked just
    then. All pairs of places are used at once: with clicks expected as examined[place] *
    relevance[pair], each pair's relevance is conditioned out (the fixed-effects Poisson estimator,
    whose moment conditions hold for any distribution of clicks with that mean).

    Args:
        cells: clicks and impressions by pair and place.
    """
    places = cells.places
    clicks_of_pair = np.bincount(cells.pair, cells.clicked)
    told = (clicks_of_pair > 0) & (np.bincount(cells.pair) > 1)
    cells = cells.take(told[cells.pair])
    pairs, pair = np.unique(cells.pair, return_inverse=True)
    of_pair: Floats = np.bincount(pair, cells.clicked, len(pairs)).astype(np.float64)
    of_place: Floats = np.bincount(cells.place, cells.clicked, places).astype(np.float64)
    if not len(pairs) or not of_place[0]:
        nothing = np.full(places, np.nan)
        return Harvest(nothing, nothing, of_place, joined=False)
    examined = np.ones(places)
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(_STEPS):
            relevance = of_pair / np.bincount(pair, cells.shown * examined[cells.place])
            after = of_place / np.bincount(cells.place, cells.shown * relevance[pair], places)
            after /= after[0]
            done = np.abs(after - examined).max() < _TOLERANCE
            examined = after
            if done:
                break
    error, joined = _errors(pair, cells, of_pair, examined)
    return Harvest(examined, error, of_place, joined)


def _errors(pair: Ints, cells: Cells, of_pair: Floats, examined: Floats) -> tuple[Floats, bool]:
    """Standard errors of log(examined), from the information of the conditional likelihood; and `joined`."""
    places = len(examined)
    part = cells.shown * np.nan_to_num(examined)[cells.place]
    part /= np.bincount(pair, part)[pair]
    shares = sparse.csr_matrix((part, (pair, cells.place)), shape=(len(of_pair), places))
    weighted = sparse.diags(of_pair) @ shares
    together = (shares.T @ weighted).toarray()
    graph = sparse.csr_matrix(together > 0)
    count, _ = sparse.csgraph.connected_components(graph, directed=False)
    if count > 1 or places < 2:
        return np.full(places, np.nan), count == 1
    information = np.diag(np.asarray(weighted.sum(axis=0)).ravel()) - together
    variance = np.diag(np.linalg.pinv(information[1:, 1:]))
    return np.concatenate([[0.0], np.sqrt(np.maximum(variance, 0.0))]), True
