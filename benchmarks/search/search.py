"""Search by people's judgements: the whole pipeline and what it must beat, by cross-validation over queries.

    python -m benchmarks.search.search --source ../shared/data/search-relevance [--results docs/results.md]

Five folds of the queries: those of a fold are answered by a model that was trained on the others (a tenth of them
validate). Three figures, means over the queries: nDCG@10 of the judged items alone (gain 2^(grade-1) - 1), nDCG@10 of
the whole catalogue (what nobody judged is worth nothing), Recall@100 of the items of the best grade.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import tempfile
import time
from typing import Any

import numpy as np

from benchmarks.search.judged_searches import (
    Answered,
    Disagreement,
    Searches,
    difference,
    lexical,
    read_searches,
    reciprocal_rank_fusion,
    sentences,
)
from benchmarks.search.search_models import VARIANTS, Variant, answer_folds
from benchmarks.shared.results import write_section
from benchmarks.shared.training import read_clean_label

FOLDS = 5
WHOLE = VARIANTS[0].name


def main() -> None:
    """Parses the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--source", type=pathlib.Path, required=True, help="the folder of judged searches")
    parser.add_argument("--folds", type=int, nargs="+", default=list(range(FOLDS)), help="of 0 to 4")
    parser.add_argument("--variants", nargs="+", default=None, help="names; the first is always there")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--scratch", type=pathlib.Path, help="keeps what was trained; a run goes on from there"
    )
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("search.json"))
    parser.add_argument("--results", type=pathlib.Path, help="a Markdown file whose section is rewritten")
    parser.add_argument("--section", default="search", help="of that file")
    arguments = parser.parse_args()
    started = time.monotonic()
    chosen = [v for v in VARIANTS if arguments.variants is None or v.name in (WHOLE, *arguments.variants)]
    with tempfile.TemporaryDirectory() as temporary:
        scratch = arguments.scratch or pathlib.Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        found = measure(arguments.source, scratch, arguments.folds, chosen, arguments.seed)
    found["minutes"] = round((time.monotonic() - started) / 60, 1)
    arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    print(markdown(found))
    if arguments.results:
        write_section(arguments.results, arguments.section, markdown(found))


def measure(
    source: pathlib.Path, scratch: pathlib.Path, folds: list[int], variants: list[Variant], seed: int
) -> dict[str, Any]:
    """Every system on the queries of `folds`; see `markdown` for the shape."""
    from aisle.datasets import judgements as adapter

    if not (scratch / "shop").exists():
        adapter.convert(source, scratch / "shop")
    labelled = read_clean_label(scratch / "shop")
    searches = read_searches(labelled)
    fold = searches.folds(FOLDS, seed=0)
    tested = np.flatnonzero(np.isin(fold, folds))
    systems = {name: answered.of(tested) for name, answered in baselines(searches).items()}
    for name, answered in systems.items():
        print(f"{name}: {answered}", flush=True)
    seconds = {}
    for variant in variants:
        parts, seconds[variant.name] = answer_folds(variant, labelled, searches, fold, folds, scratch, seed)
        systems[variant.name] = parts.of(tested)
        print(f"{variant.name}: {systems[variant.name]}", flush=True)
    whole = systems[WHOLE]
    return {
        "queries": len(tested),
        "items": len(searches.item_ids),
        "systems": {name: answered.record() for name, answered in systems.items()},
        "gains": {name: difference(whole, other) for name, other in systems.items() if name != WHOLE},
        "training_seconds": seconds,
        "disagreement": dataclasses.asdict(Disagreement.of(searches)),
    }


def baselines(searches: Searches) -> dict[str, Answered]:
    """The systems without training."""
    title = lexical(searches, descriptions=False)
    both = lexical(searches, descriptions=True)
    dense = sentences(searches)
    scores = {
        "BM25, title (stemmed)": title,
        "BM25, title and description": both,
        "MiniLM embeddings, title": dense,
        "reciprocal rank fusion of the last two": reciprocal_rank_fusion(both, dense),
    }
    return {name: Answered.by_scores(searches, matrix) for name, matrix in scores.items()}


def markdown(found: dict[str, Any]) -> str:
    """The table of docs/results.md."""
    lines = [
        f"{found['queries']} queries, {found['items']:,} items; {found['minutes']} minutes.",
        "",
        "| | judged nDCG@10 | full nDCG@10 | Recall@100 | the whole's gain: judged | full |",
        "|---|---|---|---|---|---|",
    ]
    for name, record in found["systems"].items():
        cells = [f"{record[figure]:.4f}" for figure in ("judged", "full", "recall")]
        gains = found["gains"].get(name)
        cells += (
            [f"{g['gain']:+.4f} [{g['ci'][0]:+.4f}, {g['ci'][1]:+.4f}]" for g in gains.values()][:2]
            if gains
            else ["", ""]
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    judged = found["disagreement"]
    lines += [
        "",
        f"Of {judged['pairs']:,} pairs of items that people judged for the same query and whose titles have the same "
        f"words, {judged['alike']:.0%} have different grades; of all pairs, {judged['any']:.0%}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
