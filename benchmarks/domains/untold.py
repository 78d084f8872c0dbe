"""A shop of which nothing is told but its items: what a visitor takes next, and what searches find, by what another shop taught."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from aisle.components.evaluator.baselines.lexical import BM25
from aisle.components.labeler.label import label
from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.options import LabelerOptions
from aisle.model.options import RankingOptions, TwoTowerOptions
from benchmarks.shared.measured import K
from benchmarks.shared.served import Answering
from benchmarks.shared.training import train_two_tower

TOLD = 1
"""Items of a visit that the question brings as recent events; the others are foretold."""
MOST = 1_000
"""Visits that are asked."""
_APART = 60_000_000
"""Microseconds between what is told."""


@dataclasses.dataclass(frozen=True)
class Visit:
    """What somebody took in a visit of the test, in order."""

    told: list[str]
    wanted: list[str]


def visits_of(whole: Labelled, seed: int) -> list[Visit]:
    """Visits of the test in which more was taken than is told; some where there are many."""
    rows = pl.DataFrame(pl.from_arrow(whole.tables["interactions"])).filter(pl.col("split") == "test")
    taken = rows.sort("timestamp", "item_id").group_by("user_id", "session_id", maintain_order=True)
    found = [items for (items,) in taken.agg("item_id").select("item_id").iter_rows() if len(items) > TOLD]
    drawn = np.random.default_rng(seed).permutation(len(found))[:MOST]
    return [Visit(found[number][:TOLD], found[number][TOLD:]) for number in drawn]


def visits_ndcg(
    visits: list[Visit], answer: Callable[[list[Visit]], list[list[str]]]
) -> npt.NDArray[np.float64]:
    """NDCG@20 of the rest of each visit; what was told is no answer."""
    found = []
    for start in range(0, len(visits), 50):
        batch = visits[start : start + 50]
        for visit, items in zip(batch, answer(batch), strict=True):
            others = [item for item in items if item not in visit.told][:K]
            gained = sum(
                1.0 / np.log2(place + 2) for place, item in enumerate(others) if item in visit.wanted
            )
            ideal = sum(1.0 / np.log2(place + 2) for place in range(min(K, len(visit.wanted))))
            found.append(gained / ideal)
    return np.array(found)


def recommended(answering: Answering) -> Callable[[list[Visit]], list[list[str]]]:
    """What is recommended to a visitor whom nobody knows, of what the visit held so far."""

    def answer(visits: list[Visit]) -> list[list[str]]:
        moment = 10 * _APART
        recents = [[(item, n * _APART) for n, item in enumerate(visit.told)] for visit in visits]
        return answering.recommend_after([""] * len(visits), recents, [moment] * len(visits), K + TOLD)

    return answer


def by_popularity(whole: Labelled) -> Callable[[list[Visit]], list[list[str]]]:
    """The same order for all: how often items were ever taken, in the test, too."""
    order = _taken(whole).sort("taken", "item_id", descending=[True, False])["item_id"].to_list()
    return lambda visits: [order[: K + TOLD]] * len(visits)


def _taken(whole: Labelled) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(whole.tables["interactions"])).group_by("item_id").agg(taken=pl.len())


def make_untold(items: pa.Table, taught: str, scratch: pathlib.Path, seed: int, steps: int) -> Answering:
    """The served model of a shop with these items and nothing else."""
    from aisle.model.ranking.export import Labels, RankingModule
    from aisle.model.ranking.taught_head import UntoldHead

    scratch.mkdir()
    labelled = label({"items": items}, LabelerOptions(titles=True))
    tower = train_two_tower(labelled, scratch, TwoTowerOptions(seed=seed, steps=steps, refit=False))
    options = RankingOptions(seed=seed, text="never")
    ranker = RankingModule(UntoldHead(), None, options, Labels(False, False), False)
    return Answering.of(labelled, tower, ranker, taught=taught)


def searches_ndcg(
    answering: Answering, items: pa.Table, judged: pa.Table, whole: Labelled
) -> dict[str, float]:
    """NDCG@20 of people's grades over what was judged of each query: ours, BM25's over titles, popularity's."""
    from sklearn.metrics import ndcg_score

    graded = pl.DataFrame(pl.from_arrow(judged)).filter(pl.col("grade").max().over("query") > 0)
    asked = graded.group_by("query", maintain_order=True).agg("item_id", pl.col("grade").cast(pl.Float64))
    asked = asked.filter(pl.col("item_id").list.len() > 1)
    queries, found = asked["query"].to_list(), asked["item_id"].to_list()
    table = pl.DataFrame(pl.from_arrow(items)).select("item_id", pl.col("title").fill_null(""))
    row = {item: place for place, item in enumerate(table["item_id"])}
    taken = dict(_taken(whole).iter_rows())
    lexical = BM25(table["title"].to_list()).scores(queries)
    kept = [[item for item in some if item in row] for some in found]
    scores = {
        "no event, from the big shop": answering.rank(queries, kept),
        "BM25 over titles": [lexical[n, [row[item] for item in some]] for n, some in enumerate(kept)],
        "popularity of the whole log": [np.array([taken.get(item, 0.0) for item in some]) for some in kept],
    }
    grades = [
        [grade for item, grade in zip(some, given, strict=True) if item in row]
        for some, given in zip(found, asked["grade"].to_list(), strict=True)
    ]
    return {
        name: float(
            np.mean(
                [
                    ndcg_score([g], [np.maximum(s, -1e9)], k=K)
                    for g, s in zip(grades, values, strict=True)
                    if len(g) > 1 and max(g) > 0
                ]
            )
        )
        for name, values in scores.items()
    }
