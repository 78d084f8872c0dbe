"""The trained searches of the benchmark: the pipeline's own code, a model for each fold of the queries."""

from __future__ import annotations

import dataclasses
import pathlib
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from judged_searches import RECALLED, Answered, Searches
from served import Answering, tensors
from training import train_two_tower

from aisle.components.labeler.label import ITEMS_SPLIT, Labelled
from aisle.components.labeler.queries import judged_examples
from aisle.model.options import CandidateOptions, RankingOptions, TwoTowerOptions

_BATCH = 27


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to train the search.

    Attributes:
        name: in the table.
        options: of the ranking head.
        negatives: retrieved candidates that nobody judged, for each query.
        without: parts of the evidence that the score leaves out.
        trained: whether the head is trained at all.
    """

    name: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    negatives: int = CandidateOptions().negatives
    without: tuple[str, ...] = ()
    trained: bool = True


VARIANTS = (
    Variant("aisle, whole search"),
    Variant("before any training", trained=False),
    Variant("judged negatives only", negatives=0),
    Variant("without the lexical score", without=("lexical_share",)),
    Variant("three layers", options={"layers": 3, "frozen": 0}),
)


def answer_folds(
    variant: Variant,
    labelled: Labelled,
    searches: Searches,
    fold: npt.NDArray[np.int64],
    folds: list[int],
    scratch: pathlib.Path,
    seed: int,
) -> tuple[Answered, float]:
    """Answers the queries of each fold by a model of the others.

    Returns:
        The figures of all queries (NaN-free only for those of `folds`), and the mean seconds that a head trains.
    """
    scores = np.zeros_like(searches.grades)
    answers = np.full([len(searches.queries), RECALLED], -1)
    seconds = []
    for number in folds:
        tested = np.flatnonzero(fold == number)
        learnt = _without(labelled, [searches.queries[row] for row in tested], seed)
        # Judged searches are ranked without the trained towers, so that one of them serves every fold.
        tower = scratch / "tower"
        if not tower.exists():
            tower = pathlib.Path(train_two_tower(learnt, tower, TwoTowerOptions(steps=50)))
        served, spent = _train(
            variant, learnt, str(scratch / "tower" / "two-tower-1" / "model"), scratch, seed
        )
        seconds.append(spent)
        _answer(served, searches, tested, scores, answers)
    return Answered.by_scores(searches, scores, answers), float(np.mean(seconds))


def _without(labelled: Labelled, tested: list[str], seed: int) -> Labelled:
    """The shop with the tested queries' judgements set apart, and a tenth of the others for validation."""
    judged = pl.DataFrame(pl.from_arrow(labelled.tables["judgements"]))
    others = sorted(set(judged["query"]) - set(tested))
    valid = np.random.default_rng(seed).permutation(others)[: max(1, len(others) // 10)]
    split = pl.when(pl.col("query").is_in(tested)).then(pl.lit("test"))
    split = split.when(pl.col("query").is_in(valid.tolist())).then(pl.lit("eval")).otherwise(pl.lit("train"))
    judged = judged.with_columns(split.alias("split"))
    examples = judged_examples(judged)
    examples.pop("test")
    return dataclasses.replace(
        labelled,
        tables={**labelled.tables, "judgements": judged.to_arrow()},
        examples={ITEMS_SPLIT: labelled.examples[ITEMS_SPLIT], **examples},
    )


def _train(
    variant: Variant, labelled: Labelled, tower: str, scratch: pathlib.Path, seed: int
) -> tuple[Any, float]:
    """The served search of one fold, and the seconds its head trained."""
    import tensorflow as tf

    from aisle.model.candidates import make_candidates
    from aisle.model.ranking_export import Labels, RankingModule
    from aisle.model.ranking_trainer import make_head, train_features
    from aisle.model.text_trainer import train_text
    from aisle.schema.weights import bert_folder

    candidates = CandidateOptions(seed=seed, negatives=variant.negatives, test_users=0)
    splits = dataclasses.asdict(labelled.splits)
    drawn = make_candidates(tower, "", labelled.tables, splits, candidates)
    train, valid = (tensors(drawn[split]) for split in ("train", "eval"))
    options = RankingOptions(seed=seed, members=1, feature_epochs=1, **variant.options)
    started = time.monotonic()
    tf.keras.utils.set_random_seed(seed)
    features = train_features(train, valid, options, str(scratch / "run"))
    head = make_head(train, features, options, bert_folder())
    if variant.trained:
        train_text(head, train, valid, options, str(scratch / "run"))
    spent = time.monotonic() - started
    head.leave_out(variant.without)
    ranker = RankingModule(features, head, options, Labels(search=True, conversion=False), False)
    ranker.calibrate(valid)
    return Answering.of(labelled, tower, ranker), spent


def _answer(
    served: Answering,
    searches: Searches,
    tested: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    answers: npt.NDArray[np.int64],
) -> None:
    """Fills in the rows of the tested queries: `scores` of their judged items, and `answers`."""
    place = {item: column for column, item in enumerate(searches.item_ids)}
    for start in range(0, len(tested), _BATCH):
        rows = tested[start : start + _BATCH]
        queries = [searches.queries[row] for row in rows]
        for row, found in zip(rows, served.search(queries, RECALLED), strict=True):
            answers[row, : len(found)] = [place[item] for item in found]
        judged = [np.flatnonzero(searches.grades[row] > 0) for row in rows]
        ranked = served.rank(queries, [[searches.item_ids[item] for item in items] for items in judged])
        for row, items, score in zip(rows, judged, ranked, strict=True):
            scores[row, items] = score
