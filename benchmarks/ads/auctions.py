"""What the auctions promise, on drawn cases and on the example of the literature, and how long one of 10,000 campaigns takes.

    python -m benchmarks.ads.auctions --check

The example is that of Edelman, Ostrovsky and Schwarz (2007): values of 10, 4 and 2 a click, places of 200 and 100 clicks. The
timed market is the slowest there is: each campaign may show one of the 200 candidates, and bids for this request. The goal is
held against the thread's own processor time, since the time by the clock holds what else the machine does.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aisle.ads.auction import Bids, Sold, gsp, vcg
from aisle.ads.campaign import MILLION, Campaign
from aisle.ads.market import Candidate, Market
from benchmarks.ads.properties import PROPERTIES, Case
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

CASES, CAMPAIGNS, CANDIDATES, REQUESTS, PLACES = 10_000, 10_000, 200, 2_000, 4
VALUES, CLICKS = (10, 4, 2), (200, 100)
PRINTED = {
    "GSP, paid by each": [800, 200],
    "VCG, paid by each": [600, 200],
    "200 and 199 clicks, truth earns": [1_200],
    "200 and 199 clicks, a bid of 3 earns": [1_592],
}

FIGURES = (
    Figure("properties_broken", lambda found: sum(one["broken"] for one in found["properties"]), most=0),
    Figure(
        "examples_met", lambda found: sum(one["ours"] == one["printed"] for one in found["examples"]), least=4
    ),
    Figure("auction_p50_ms", lambda found: found["milliseconds"]["p50"]),
    Figure("auction_p99_ms", lambda found: found["milliseconds"]["p99"]),
    Figure("auction_cpu_p99_ms", lambda found: found["milliseconds"]["cpu p99"], most=2),
)


def main() -> None:
    """Measures and prints, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--cases", type=int, default=CASES, help="of each property")
    command.run(measure, {"auctions": markdown})


def measure(told: argparse.Namespace, _scratch: pathlib.Path) -> Found:
    """Each property, each number of the example, and the milliseconds of an auction."""
    return {
        "properties": [holds(strategy, promise, told.cases) for strategy, promise in PROPERTIES],
        "examples": [
            {"name": name, "printed": PRINTED[name], "ours": ours} for name, ours in example().items()
        ],
        "milliseconds": milliseconds(),
    }


def holds(strategy: st.SearchStrategy[Case], promise: Callable[[Case], None], most: int) -> dict[str, Any]:
    """Tries a property on so many cases, or until one breaks it."""
    tried = 0

    @settings(
        max_examples=most,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def attempt(case: Case) -> None:
        nonlocal tried
        tried += 1
        promise(case)

    try:
        attempt()
    except AssertionError:
        return {"name": promise.__name__.replace("_", " "), "cases": tried, "broken": True}
    return {"name": promise.__name__.replace("_", " "), "cases": tried, "broken": False}


def example() -> dict[str, list[int]]:
    """The numbers of the paper, by our auctions, in units of money."""
    truth, shaded = (Bids.of([MILLION * one for one in values]) for values in (VALUES, (3, *VALUES[1:])))

    def paid(sold: list[Sold]) -> list[int]:
        return [clicks * one.price // MILLION for clicks, one in zip(CLICKS, sold, strict=True)]

    def earned(bids: Bids) -> list[int]:
        return [
            clicks * (VALUES[0] * MILLION - one.price) // MILLION
            for clicks, one in zip((200, 199), gsp(bids, 2), strict=True)
            if one.bidder == 0
        ]

    ours = paid(gsp(truth, 2)), paid(vcg(truth, CLICKS)), earned(truth), earned(shaded)
    return dict(zip(PRINTED, ours, strict=True))


def milliseconds(campaigns: int = CAMPAIGNS, requests: int = REQUESTS) -> dict[str, float]:
    """Of eligibility and auction together, with multipliers and a user who was shown some campaigns."""
    random = np.random.default_rng(1)
    bids = random.integers(10_000, 2 * MILLION, campaigns)
    market = Market(
        [
            Campaign(
                *(str(number), f"advertiser {number % (campaigns // 5)}", int(bid), 10**9, 0, 10**15),
                category="shoes/running" if number % 2 else "shoes",
                frequency_cap=3,
            )
            for number, bid in enumerate(bids)
        ]
    )
    candidates = [
        Candidate(f"item {number}", "shoes/running/trail", 50_000 - number) for number in range(CANDIDATES)
    ]
    left, multipliers = market.budgets(), random.uniform(0.2, 1, campaigns)
    shown = {str(number): 3 for number in range(20)}
    took = []
    for _ in range(requests):
        started = time.perf_counter(), time.thread_time()
        offers = market.offers(candidates, "red shoes", 1, left, multipliers, shown)
        gsp(offers.bids, PLACES)
        took.append((time.perf_counter() - started[0], time.thread_time() - started[1]))
    clock, processor = 1_000 * np.asarray(took).T
    return {
        "p50": float(np.percentile(clock, 50)),
        "p99": float(np.percentile(clock, 99)),
        "cpu p99": float(np.percentile(processor, 99)),
    }


def markdown(found: Found) -> str:
    """A row a property, then a row a number of the example."""
    rows = [
        *([one["name"], one["cases"], "broken" if one["broken"] else "holds"] for one in found["properties"]),
        *([one["name"], "1", ", ".join(f"{value:,}" for value in one["ours"])] for one in found["examples"]),
    ]
    return table(["property or example", "cases", "found"], rows)


if __name__ == "__main__":
    main()
