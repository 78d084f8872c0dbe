"""Online Retail replayed in time order over its last 30 days: what is worth knowing of today, not only of last night.

    python -m benchmarks.live.replay --source ../shared/data/online-retail [--share 0.5] [--results docs/results.md]

The models train, by the pipeline's own code, on what was bought before; every midnight the version's knowledge of the shop
is made anew. Of each basket it is asked what it will hold (nDCG@20), and of its lines, in the invoice's order, which is the
next (hit rate@20; the first one is the basket's question). `nightly` knows all until the last midnight, `fresh` is the same
version, told what its customer has bought since: earlier baskets of the day and earlier lines. A simple reader of the same
events (own history and item-kNN on them) stands beside. What lies in the basket already counts for nobody. Customers are
drawn by a hash of their ids; each counts once, by the mean over their questions.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import Any

import numpy as np

from aisle.components.evaluator.measures.metrics import Floats, paired_interval
from benchmarks.live.replayed import Moment, nights
from benchmarks.live.systems import FRESH, NIGHTLY, SIMPLE, K, Nights
from benchmarks.recommendation.retail import Shop
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table, with_interval
from benchmarks.shared.training import canonical, read_tables

BASKET, ITEM = "next basket, nDCG@20", "next item, hit rate@20"

FIGURES = (
    Figure("next_item_gain", lambda found: found["gains"][ITEM]["share"], least=0.15),
    Figure("next_item_lower_end", lambda found: found["gains"][ITEM]["ci"][0], least=0.0),
    Figure("next_basket_lower_end", lambda found: found["gains"][BASKET]["ci"][0], least=-0.002),
    Figure("next_item_over_simple", lambda found: found["gains"][ITEM]["over_simple"]),
    Figure("changed_without_recents", lambda found: found["changed_without_recents"], most=0),
)
"""Of fresh over nightly, whose own mean the gain is a share of; beside the simple reader nothing is asked."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="UCI Online Retail")
    command.add_argument("--share", type=float, default=0.5, help="of the customers")
    command.add_argument(
        "--lines", type=int, default=30, help="next items of a basket at most, its first ones"
    )
    command.add_argument("--nights", type=int, help="the first ones alone")
    command.add_argument("--seed", type=int, default=1)
    command.run(measured, {"replay": markdown})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """Trains, and replays as the command line says."""
    shop = Shop.make(told.source, scratch)
    answering = shop.train(told.seed).bundle(moves=True)
    return replay(shop, answering, _lines(told.source, scratch), told)


def replay(shop: Shop, answering: Any, lines: dict[tuple[str, str], int], told: argparse.Namespace) -> Found:
    """Every night's questions, asked of every system; see `markdown` for the shape."""
    import polars as pl

    purchases = pl.DataFrame(pl.from_arrow(shop.labelled.tables["interactions"]))
    purchases = purchases.filter(pl.col("event") == "purchase")
    asking = Nights(shop.labelled, answering, told.lines)
    seen: dict[str, dict[str, dict[str, list[float]]]] = {BASKET: {}, ITEM: {}}
    changed = 0
    days = nights(purchases, lines, shop.labelled.splits.test_start, told.share, told.lines)
    for number, (night, moments) in enumerate(days):
        if number == told.nights:
            break
        print(f"night {number + 1}, {len(moments):,} questions", file=sys.stderr, flush=True)
        answers = asking.ask(night, moments)
        for name, lists in answers.items():
            for moment, items in zip(moments, lists, strict=True):
                of = seen[BASKET if moment.is_basket else ITEM].setdefault(name, {})
                of.setdefault(moment.customer, []).append(_value(moment, items))
        pairs = zip(moments, answers[NIGHTLY], answers[FRESH], strict=True)
        changed += sum(one != other for moment, one, other in pairs if not moment.recents)
    return {**_summed(seen), "changed_without_recents": changed}


def _value(moment: Moment, items: list[str]) -> float:
    """NDCG of a basket, or whether the next item is there."""
    hits = np.isin(items[:K], list(moment.bought))
    if not moment.is_basket:
        return float(hits.any())
    discount = 1.0 / np.log2(np.arange(2, K + 2))
    return float(hits @ discount[: len(hits)] / discount[: len(moment.bought)].sum())


def _summed(seen: dict[str, dict[str, dict[str, list[float]]]]) -> Found:
    """Means over customers, and fresh's gains."""
    found: Found = {"customers": {}, "questions": {}, "systems": {}, "gains": {}}
    for what, systems in seen.items():
        means = {name: _by_customer(of) for name, of in systems.items()}
        fresh, nightly = means[FRESH], means[NIGHTLY]
        found["customers"][what] = len(nightly)
        found["questions"][what] = sum(map(len, systems[NIGHTLY].values()))
        found["systems"][what] = {name: float(values.mean()) for name, values in means.items()}
        found["gains"][what] = {
            "share": float(fresh.mean() / nightly.mean() - 1),
            "difference": float((fresh - nightly).mean()),
            "ci": paired_interval(fresh, nightly),
            "over_simple": float((fresh - means[SIMPLE]).mean()),
            "over_simple_ci": paired_interval(fresh, means[SIMPLE]),
        }
    return found


def _by_customer(values: dict[str, list[float]]) -> Floats:
    return np.array([np.mean(values[customer]) for customer in sorted(values)], np.float64)


def _lines(source: pathlib.Path, scratch: pathlib.Path) -> dict[tuple[str, str], int]:
    """Where each invoice's item stands in the files; the first time where it stands there twice."""
    events = read_tables(canonical(source, scratch / "lines"))["events"].rows
    places: dict[tuple[str, str], int] = {}
    names = (events[name].to_pylist() for name in ("session_id", "item_id"))
    for place, (session, item) in enumerate(zip(*names, strict=True)):
        places.setdefault((session, item), place)
    return places


def markdown(found: Found) -> str:
    """The table people read, and the gains."""
    whats = list(found["systems"])
    rows = [
        (name, *(f"{found['systems'][what][name]:.4f}" for what in whats))
        for name in found["systems"][BASKET]
    ]
    said = [
        f"{what}: {found['customers'][what]:,} customers, {found['questions'][what]:,} questions; fresh is "
        f"{gain['share']:+.1%} of nightly: {with_interval(gain['difference'], gain['ci'])}, and over the simple reader "
        f"{with_interval(gain['over_simple'], gain['over_simple_ci'])} (95 %, paired bootstrap over customers)."
        for what, gain in found["gains"].items()
    ]
    return "\n\n".join([table(("", *whats), rows), *said])


if __name__ == "__main__":
    main()
