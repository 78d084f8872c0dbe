"""How long a search takes beside the same stages by hand: embedding, exact top-k, ONNX Runtime int8 reranking.

    python -m benchmarks.search.search_speed --source ../shared/data/search-relevance [--results docs/results.md]

Both read the same titles with the same BERT of six layers, ours also with the three and two of `ranker.size`. By hand,
a query is embedded and the 50 nearest titles are ranked by a cross-encoder (one reading for each pair, padded to the
longest), all by ONNX Runtime with int8 weights; ours is the served model's `search` and `rank`, saved and loaded as a run
and a server do it. They take turns, query by query. Needs the extra `dev`.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.search.by_hand import ByHand
from benchmarks.search.served_search import Served, serve_titles
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

CANDIDATES = 50
K = 10
WARM_UP = 10
SIZES = (5_000, 50_000)
READERS = ("base", "small", "tiny")

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Timed:
    """Seconds of each call."""

    seconds: Floats

    def record(self) -> dict[str, float]:
        """Median and 99th percentile in milliseconds."""
        return {f"p{share}": float(np.percentile(self.seconds, share) * 1e3) for share in (50, 99)}


FIGURES = (
    Figure("rank_p50_by_hand", lambda found: _ratio(found, "rank", "p50"), most=0.5),
    Figure("search_p50_by_hand", lambda found: _ratio(found, "search", "p50"), most=1.0),
    Figure("search_p99_by_hand", lambda found: _ratio(found, "search", "p99"), most=1.0),
)
"""How many times as long as by hand aisle takes with the base reader, at most over the catalogues."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="judged searches")
    command.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="items of the catalogue")
    command.add_argument("--rounds", type=int, default=3, help="times that every query is asked")
    command.run(
        lambda told, _: {"sizes": measure(told.source, told.sizes, told.rounds)}, {"search-speed": markdown}
    )


def measure(source: pathlib.Path, sizes: list[int], rounds: int) -> dict[str, Any]:
    """The times of both sides, by size of the catalogue; see `markdown` for the shape."""
    import polars as pl

    titles = pl.read_csv(source / "items.csv")["title"].fill_null("").to_list()
    queries = sorted(set(pl.read_csv(source / "judgements.csv")["query"].to_list()))
    found: dict[str, Any] = {}
    for size in sizes:
        catalogue = [titles[n % len(titles)] for n in range(size)]
        with tempfile.TemporaryDirectory() as scratch:
            served = serve_titles(catalogue, scratch, READERS)
            by_hand = ByHand.make(catalogue, served["base"].embeddings, scratch)
            found[f"{size}"] = _compare(served, by_hand, queries, rounds)
        print(size, found[f"{size}"], flush=True)
    return found


def _compare(served: dict[str, Served], by_hand: ByHand, queries: list[str], rounds: int) -> dict[str, Any]:
    """All in turns: the ranking of the same 50 candidates, and the whole search."""
    candidates = {query: by_hand.nearest(query, CANDIDATES) for query in queries}
    calls: dict[str, Callable[[str], Any]] = {
        "rank, by hand": lambda query: by_hand.rerank(query, candidates[query]),
        "search, by hand": lambda query: by_hand.search(query, CANDIDATES, K),
    }
    for size, one in served.items():
        calls[f"rank, aisle, {size}"] = _ranking(one, candidates)
        calls[f"search, aisle, {size}"] = functools.partial(one.search, k=K)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number, query in enumerate(queries[:WARM_UP] + queries * rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call(query)
            if number >= WARM_UP:
                seconds[name].append(time.perf_counter() - started)
    return {name: Timed(np.array(values)).record() for name, values in seconds.items()}


def _ranking(one: Served, candidates: dict[str, npt.NDArray[np.int64]]) -> Callable[[str], Any]:
    return lambda query: one.rank(query, candidates[query])


def _ratio(found: dict[str, Any], what: str, share: str) -> float:
    return max(
        size[f"{what}, aisle, base"][share] / size[f"{what}, by hand"][share]
        for size in found["sizes"].values()
    )


def markdown(found: dict[str, Any]) -> str:
    """The table of docs/results.md."""
    sizes = found["sizes"]
    rows = (
        (name, *(f"{record[name][share]:.1f}" for record in sizes.values() for share in ("p50", "p99")))
        for name in next(iter(sizes.values()))
    )
    return table(("ms", *(cell for size in sizes for cell in (f"{int(size):,} items: p50", "p99"))), rows)


if __name__ == "__main__":
    main()
