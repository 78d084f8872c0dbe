"""Search by people's judgements: the whole pipeline and what it must beat, by cross-validation over queries.

    python -m benchmarks.search.search --source ../shared/data/search-relevance [--results docs/results.md]

Five folds of the queries: those of a fold are answered by a model that was trained on the others (a tenth of them
validate). Three figures, means over the queries: nDCG@10 of the judged items alone (gain 2^(grade-1) - 1), nDCG@10 of
the whole catalogue (what nobody judged is worth nothing), Recall@100 of the items of the best grade.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import pathlib
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
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table, with_interval
from benchmarks.shared.training import read_clean_label

FOLDS = 5
WHOLE = VARIANTS[0].name


FIGURES = (
    Figure("judged_ndcg", lambda found: found["systems"][WHOLE]["judged"], least=0.878),
    Figure("full_ndcg", lambda found: found["systems"][WHOLE]["full"], least=0.846),
    Figure("recall", lambda found: found["systems"][WHOLE]["recall"], least=0.98),
    Figure("judged_gain_lower_end", lambda found: _least_gain(found, "judged"), least=0.0),
    Figure("full_gain_lower_end", lambda found: _least_gain(found, "full"), least=0.0),
)
"""Of all folds: docs/results.md's within 0.003. The gains are the lower ends of those over the baselines."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="judged searches")
    command.add_argument("--folds", type=int, nargs="+", default=list(range(FOLDS)), help="of 0 to 4")
    command.add_argument("--variants", nargs="+", default=None, help="names; the first is always there")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument(
        "--scratch", type=pathlib.Path, help="keeps what was trained; a run goes on from there"
    )
    sections = ("search", "search-parts", "search-training")
    command.add_argument("--section", choices=sections, default="search", help="of the file of --results")
    command.run(
        measured,
        {name: functools.partial(_in_section, name) for name in sections},
    )


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> dict[str, Any]:
    """What the command line asks for; `section` says where it goes."""
    chosen = [v for v in VARIANTS if told.variants is None or v.name in (WHOLE, *told.variants)]
    folder = told.scratch or scratch
    folder.mkdir(parents=True, exist_ok=True)
    return {**measure(told.source, folder, told.folds, chosen, told.seed), "section": told.section}


def _in_section(section: str, found: dict[str, Any]) -> str:
    return markdown(found) if found["section"] == section else ""


def _least_gain(found: dict[str, Any], figure: str) -> float:
    """The lower end of the interval of the gain over the baselines, at the least."""
    trained = {variant.name for variant in VARIANTS}
    return min(one[figure]["interval"][0] for name, one in found["gains"].items() if name not in trained)


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
    ]
    head = ("", "judged nDCG@10", "full nDCG@10", "Recall@100", "the whole's gain: judged", "full")
    rows = []
    for name, record in found["systems"].items():
        cells = [name, *(f"{record[figure]:.4f}" for figure in ("judged", "full", "recall"))]
        gains = found["gains"].get(name)
        cells += [with_interval(**gains[figure]) if gains else "" for figure in ("judged", "full")]
        rows.append(cells)
    judged = found["disagreement"]
    lines += [
        table(head, rows),
        "",
        f"Of {judged['pairs']:,} pairs of items that people judged for the same query and whose titles have the same "
        f"words, {judged['alike']:.0%} have different grades; of all pairs, {judged['any']:.0%}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
