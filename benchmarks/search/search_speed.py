"""How long a search takes beside the same stages by hand: embedding, exact top-k, ONNX Runtime int8 reranking.

    python -m benchmarks.search.search_speed --source ../shared/data/search-relevance [--results docs/results.md]

Both read the same titles with the same BERT of six layers, ours also with the three and two of `ranker.size`. By hand,
a query is embedded and the 50 nearest titles are ranked by a cross-encoder (one reading for each pair, padded to the
longest), all by ONNX Runtime with int8 weights; ours is the served model's `search` and `rank`, saved and loaded as a run
and a server do it. They take turns, query by query. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.search.by_hand import ByHand
from benchmarks.search.served_search import Served, serve_titles
from benchmarks.shared.results import write_section

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


def main() -> None:
    """Parses the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--source", type=pathlib.Path, required=True, help="the folder of judged searches")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="items of the catalogue")
    parser.add_argument("--rounds", type=int, default=3, help="times that every query is asked")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("search-speed.json"))
    parser.add_argument("--results", type=pathlib.Path, help="a Markdown file whose section is rewritten")
    arguments = parser.parse_args()
    found = measure(arguments.source, arguments.sizes, arguments.rounds)
    arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    print(markdown(found))
    if arguments.results:
        write_section(arguments.results, "search-speed", markdown(found))


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
        calls[f"rank, aisle, {size}"] = lambda query, one=one: one.rank(query, candidates[query])
        calls[f"search, aisle, {size}"] = lambda query, one=one: one.search(query, K)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number, query in enumerate(queries[:WARM_UP] + queries * rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call(query)
            if number >= WARM_UP:
                seconds[name].append(time.perf_counter() - started)
    return {name: Timed(np.array(values)).record() for name, values in seconds.items()}


def markdown(found: dict[str, Any]) -> str:
    """The table of docs/results.md."""
    lines = ["| ms | " + " | ".join(f"{int(size):,} items: p50 | p99" for size in found) + " |"]
    lines.append("|---|" + "---|---|" * len(found))
    for name in next(iter(found.values())):
        cells = [f"{record[name][share]:.1f}" for record in found.values() for share in ("p50", "p99")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
