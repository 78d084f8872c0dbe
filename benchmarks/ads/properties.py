"""What auctions promise, as properties of drawn cases; a property that doesn't hold raises AssertionError.

What is best, and what a bidder's being there costs the others, is found by trying all assignments, not by the formulas of
`aisle.ads.auction`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction

from hypothesis import strategies as st

from aisle.ads.auction import Bids, Sold, gsp, second_price, vcg

STEP = 840 * 12
"""Values of the equilibrium are multiples of it: its bids and prices are whole then."""


@dataclasses.dataclass(frozen=True)
class Case:
    """An auction.

    Attributes:
        bids: of all, in micros; the first bidder's is its value.
        quality: of all, in millionths.
        clicks: of each place.
        reserve: the least score.
        other: what the first bidder might bid instead.
    """

    bids: tuple[int, ...]
    quality: tuple[int, ...]
    clicks: tuple[int, ...]
    reserve: int
    other: int

    def asked(self, first: int | None = None) -> Bids:
        """The bids, with another one of the first bidder."""
        return Bids.of([self.bids[0] if first is None else first, *self.bids[1:]], self.quality)

    @property
    def scores(self) -> list[int]:
        """Bid times quality."""
        return [bid * quality for bid, quality in zip(self.bids, self.quality, strict=True)]


_small, _large = st.integers(0, 12), st.integers(0, 10**12)
_qualities = st.one_of(st.just(1), st.integers(1, 4), st.integers(1, 10**6))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Up to five bidders and four places, with ties, and with huge bids."""
    bidders = draw(st.integers(1, 5))
    amounts = draw(st.sampled_from([_small, _large]))
    clicks = draw(st.lists(st.integers(0, 9), min_size=1, max_size=4))
    return Case(
        tuple(draw(st.lists(amounts, min_size=bidders, max_size=bidders))),
        tuple(draw(st.lists(_qualities, min_size=bidders, max_size=bidders))),
        tuple(sorted(clicks, reverse=True)),
        draw(st.one_of(st.just(0), _small, _large)),
        draw(amounts),
    )


@st.composite
def equilibria(draw: st.DrawFn) -> Case:
    """Values whose lowest envy-free equilibrium is in whole micros; each place gets fewer clicks than the one before."""
    bidders = draw(st.integers(1, 6))
    values = draw(st.lists(st.integers(1, 9), min_size=bidders, max_size=bidders))
    quality = draw(st.lists(st.sampled_from([1, 2, 3, 4]), min_size=bidders, max_size=bidders))
    clicks = draw(st.lists(st.integers(1, 8), min_size=1, max_size=4, unique=True))
    return Case(
        tuple(STEP * value for value in values), tuple(quality), tuple(sorted(clicks, reverse=True)), 0, 0
    )


def second_price_truthful(case: Case) -> None:
    """No other bid earns more than the value."""
    truth, other = (_earned(case, second_price(case.asked(bid), case.reserve)) for bid in (None, case.other))
    assert truth >= other


def second_price_individually_rational(case: Case) -> None:
    """Who bids its value never loses."""
    sold = second_price(case.asked(), case.reserve)
    assert sold is None or 0 <= sold.price <= case.bids[sold.bidder]


def vcg_truthful(case: Case) -> None:
    """No other bid earns more than the value, but for the rounding of the price to a micro a click."""
    truth, _ = _earned_by_clicks(case, case.bids[0])
    other, clicks = _earned_by_clicks(case, case.other)
    assert truth >= other - clicks


def vcg_individually_rational(case: Case) -> None:
    """Who bids its value never loses."""
    assert all(
        0 <= sold.price <= case.bids[sold.bidder] for sold in vcg(case.asked(), case.clicks, case.reserve)
    )


def vcg_efficient(case: Case) -> None:
    """No other assignment of places is worth more to the bidders."""
    shown = [sold.bidder for sold in vcg(case.asked(), case.clicks)]
    assert _worth(case, shown) == _most(case, range(len(case.bids)))


def vcg_charges_the_externality(case: Case) -> None:
    """What the others would have without a bidder, less what they have with it, down to whole micros a click."""
    sold = vcg(case.asked(), case.clicks)
    shown = [one.bidder for one in sold]
    for place, one in enumerate(sold):
        clicks = case.clicks[place] * case.quality[one.bidder]
        without = _most(case, [bidder for bidder in range(len(case.bids)) if bidder != one.bidder])
        with_it = _worth(case, shown) - case.clicks[place] * case.scores[one.bidder]
        assert one.price == ((without - with_it) // clicks if clicks else 0)


def gsp_price_at_most_the_bid(case: Case) -> None:
    """And it is the least whole bid whose score isn't below the next one, or the reserve."""
    sold = gsp(case.asked(), len(case.clicks), case.reserve)
    ranked = _ranked(case)
    assert [one.bidder for one in sold] == ranked[: len(case.clicks)]
    for place, one in enumerate(sold):
        following = case.scores[ranked[place + 1]] if place + 1 < len(ranked) else 0
        least, quality = max(following, case.reserve), case.quality[one.bidder]
        assert one.price <= case.bids[one.bidder]
        assert (one.price - 1) * quality < least <= one.price * quality or one.price == least == 0


def lowest_envy_free_equilibrium_at_vcg_prices(case: Case) -> None:
    """Each bids what makes it indifferent to the place above: GSP then charges what VCG charges, and nobody envies."""
    truth = vcg(case.asked(), case.clicks)
    bids, ranked = list(case.bids), _ranked(case)
    for place in range(1, min(len(ranked), len(case.clicks) + 1)):
        above, one = truth[place - 1], ranked[place]
        exact = Fraction(above.price * case.quality[above.bidder], case.quality[one])
        assert exact.denominator == 1
        bids[one] = int(exact)
    sold = gsp(Bids.of(bids, case.quality), len(case.clicks))
    assert sold == truth
    for one, other in itertools.permutations(range(len(sold)), 2):
        bidder, quality = sold[one].bidder, case.quality[sold[one].bidder]
        # In another place it would pay that place's score over its own quality.
        paid = Fraction(sold[other].price * case.quality[sold[other].bidder], quality)
        here = case.clicks[one] * (case.bids[bidder] - sold[one].price)
        assert here >= case.clicks[other] * (case.bids[bidder] - paid)


PROPERTIES: tuple[tuple[st.SearchStrategy[Case], Callable[[Case], None]], ...] = (
    (cases(), second_price_truthful),
    (cases(), second_price_individually_rational),
    (cases(), vcg_truthful),
    (cases(), vcg_individually_rational),
    (cases(), vcg_efficient),
    (cases(), vcg_charges_the_externality),
    (cases(), gsp_price_at_most_the_bid),
    (equilibria(), lowest_envy_free_equilibrium_at_vcg_prices),
)


def _earned(case: Case, sold: Sold | None) -> int:
    """By the first bidder, with one place."""
    return case.bids[0] - sold.price if sold and sold.bidder == 0 else 0


def _earned_by_clicks(case: Case, bid: int) -> tuple[int, int]:
    """By the first bidder under VCG, and for how many clicks, both in millionths."""
    for place, sold in enumerate(vcg(case.asked(bid), case.clicks, case.reserve)):
        if sold.bidder == 0:
            clicks = case.clicks[place] * case.quality[0]
            return clicks * (case.bids[0] - sold.price), clicks
    return 0, 0


def _ranked(case: Case) -> list[int]:
    """Who reaches the reserve and bids at all, best first, by the rule of ties as it is written down."""
    able = [one for one, score in enumerate(case.scores) if score > 0 and score >= case.reserve]
    return sorted(able, key=lambda one: (-case.scores[one], -case.quality[one], one))


def _worth(case: Case, shown: Sequence[int]) -> int:
    """To the bidders that are shown, in the order of the places."""
    return sum(clicks * case.scores[one] for clicks, one in zip(case.clicks, shown, strict=False))


def _most(case: Case, bidders: Sequence[int]) -> int:
    """The most that any assignment is worth."""
    shown = min(len(case.clicks), len(bidders))
    return max(_worth(case, order) for order in itertools.permutations(bidders, shown))
