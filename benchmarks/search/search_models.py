"""The trained searches of the benchmark: the pipeline's own code, a model for each fold of the queries."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.queries import judged_examples
from aisle.model.options import CandidateOptions, PretrainOptions, TwoTowerOptions
from aisle.schema.bert.weights import BERT_FILES, BERT_VARIABLE, bert_folder
from aisle.schema.splits import ITEMS
from benchmarks.search.judged_searches import RECALLED, Answered, Searches
from benchmarks.shared.served import Answering, frames_of, tensors
from benchmarks.shared.training import train_two_tower

if TYPE_CHECKING:
    from aisle.model.ranking.export import RankingModule

_BATCH = 27


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to train the search.

    Attributes:
        name: in the table.
        options: of the ranking head's training.
        negatives: retrieved candidates that nobody judged, for each query.
        trained: whether the head is trained at all.
        without: parts of the evidence that the trained score leaves out.
        size: of the reader that the trained one is distilled into.
        pretraining: of BERT on the shop's titles and descriptions, before all else.
    """

    name: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    negatives: int = CandidateOptions().negatives
    trained: bool = True
    without: tuple[str, ...] = ()
    size: Literal["tiny", "small", "base"] = "base"
    pretraining: PretrainOptions = PretrainOptions()

    @property
    def training(self) -> str:
        """Tells trainings apart: variants that differ in what follows share one."""
        return json.dumps([self.options, self.negatives, self.trained], sort_keys=True)


VARIANTS = (
    Variant("aisle, whole search"),
    Variant("before any training", trained=False),
    Variant("trained all the way", options={"learnt": 1.0}),
    Variant("without the lexical score", without=("lexical_share",)),
    Variant("without the nearest titles", without=("dense_near",)),
    Variant("size small: 3 layers, distilled", size="small"),
    Variant("size tiny: 2 layers, distilled", size="tiny"),
    Variant("judged negatives only", negatives=0),
    Variant("low-rank updates", options={"adapter_rank": 16, "learning_rate": 1e-3}),
    Variant("pretrained on the shop's text", pretraining=PretrainOptions(steps=200)),
)


@dataclasses.dataclass(frozen=True)
class Fold:
    """What a fold's model learns from.

    Attributes:
        labelled: the shop, its tested queries set apart.
        tower: folder of the exported two-tower.
        train, valid: ranking examples as tensors.
        folder: for what is trained, kept between runs.
    """

    labelled: Labelled
    tower: str
    train: dict[str, Any]
    valid: dict[str, Any]
    folder: pathlib.Path

    @staticmethod
    def make(labelled: Labelled, tested: list[str], negatives: int, scratch: pathlib.Path, seed: int) -> Fold:
        """Sets the tested queries apart and draws candidates of the others."""
        from aisle.model.ranking.candidates import make_candidates

        learnt = _without(labelled, tested, seed)
        # Judged searches are ranked without the trained towers, so that one of them serves every fold.
        tower = scratch / "two-tower-1" / "model"
        if not (tower / "saved_model.pb").exists():
            train_two_tower(learnt, scratch, TwoTowerOptions(steps=50))
        candidates = CandidateOptions(seed=seed, negatives=negatives, test_users=0)
        splits = dataclasses.asdict(learnt.splits)
        drawn = make_candidates(str(tower), "", frames_of(learnt), splits, candidates)
        train, valid = (tensors(drawn[split]) for split in ("train", "eval"))
        return Fold(learnt, str(tower), train, valid, scratch)


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

    What `scratch` has of an earlier run is not done again.

    Returns:
        The figures of all queries (NaN-free only for those of `folds`), and the mean seconds that a head trains.
    """
    scores = np.zeros_like(searches.grades)
    answers = np.full([len(searches.queries), RECALLED], -1)
    answered = _digest(variant.training, variant.without, variant.size)
    seconds = []
    with _started_from(variant, searches, scratch) as own:
        for number in folds:
            tested = np.flatnonzero(fold == number)
            kept = own / "answers" / f"{answered}-{seed}-{number}.npz"
            if not kept.exists():
                queries = [searches.queries[row] for row in tested]
                made = Fold.make(labelled, queries, variant.negatives, own, seed)
                ranker, spent = _train(variant, made, number, seed)
                served = Answering.of(made.labelled, made.tower, ranker)
                _answer(served, searches, tested, scores, answers)
                kept.parent.mkdir(exist_ok=True)
                np.savez_compressed(kept, scores=scores[tested], answers=answers[tested], seconds=spent)
            with np.load(kept) as found:
                scores[tested], answers[tested] = found["scores"], found["answers"]
                seconds.append(float(found["seconds"]))
            print(f"{variant.name}: fold {number} after {seconds[-1]:.0f} s of training", flush=True)
    return Answered.by_scores(searches, scores, answers), float(np.mean(seconds))


@contextlib.contextmanager
def _started_from(variant: Variant, searches: Searches, scratch: pathlib.Path) -> Iterator[pathlib.Path]:
    """Within, everything reads with the BERT that the variant starts from; the folder for what it trains."""
    if not variant.pretraining.steps:
        yield scratch
        return
    from aisle.model.text.pretraining_trainer import pretrain

    own = scratch / f"pretrained-{_digest(variant.pretraining)}"
    bert, before = own / "bert", os.environ.get(BERT_VARIABLE)
    if not all((bert / name).exists() for name in BERT_FILES):
        texts = sorted({text for text in (*searches.titles, *searches.descriptions) if text.strip()})
        checkpoints, logs = str(own / "checkpoints"), str(own / "logs")
        pretrain(texts, bert_folder(), variant.pretraining, "", checkpoints, str(bert), logs)
    os.environ[BERT_VARIABLE] = str(bert)
    try:
        yield own
    finally:
        if before is None:
            del os.environ[BERT_VARIABLE]
        else:
            os.environ[BERT_VARIABLE] = before


def _digest(*told: object) -> str:
    return hashlib.sha256(" ".join(map(str, told)).encode()).hexdigest()[:12]


def _without(labelled: Labelled, tested: list[str], seed: int) -> Labelled:
    """The shop with the tested queries' judgements set apart, and a tenth of the others for validation."""
    judged = pl.DataFrame(pl.from_arrow(labelled.tables["judgements"]))
    others = sorted(set(judged["query"]) - set(tested))
    valid = np.random.default_rng(seed).permutation(others)[: max(1, len(others) // 10)]
    split = pl.when(pl.col("query").is_in(tested)).then(pl.lit("test"))
    by_split = (
        split.when(pl.col("query").is_in(valid.tolist())).then(pl.lit("eval")).otherwise(pl.lit("train"))
    )
    judged = judged.with_columns(by_split.alias("split"))
    examples = judged_examples(judged)
    examples.pop("test")
    return dataclasses.replace(
        labelled,
        tables={**labelled.tables, "judgements": judged.to_arrow()},
        examples={ITEMS: labelled.examples[ITEMS], **examples},
    )


def _train(variant: Variant, made: Fold, number: int, seed: int) -> tuple[RankingModule, float]:
    """The ranker of one fold, and the seconds that its head trained."""
    import tensorflow as tf

    from aisle.model.options import RankingOptions
    from aisle.model.ranking.export import Labels, RankingModule
    from aisle.model.ranking.features_trainer import train_features
    from aisle.model.ranking.reading.making import make_head
    from aisle.model.ranking.reading.text_trainer import shrink, train_text

    options = RankingOptions(seed=seed, members=1, feature_epochs=1, size=variant.size, **variant.options)
    run = str(made.folder / "run")
    tf.keras.utils.set_random_seed(seed)
    started = time.monotonic()
    features = train_features(made.train, made.valid, options, run)
    head = make_head(made.train, features, options, bert_folder())
    kept = made.folder / "heads" / f"{_digest(variant.training)}-{seed}-{number}.npz"
    if kept.exists():
        head.reader.finish()
        with np.load(kept) as found:
            head.set_weights([found[f"weight_{place}"] for place in range(len(head.get_weights()))])
            spent = float(found["seconds"])
    else:
        if variant.trained:
            train_text(head, made.train, made.valid, options, run)
        spent = time.monotonic() - started
        kept.parent.mkdir(exist_ok=True)
        weights = {f"weight_{place}": value for place, value in enumerate(head.get_weights())}
        np.savez(kept, seconds=spent, **weights)
    started = time.monotonic()
    shrink(head, made.train, options)
    spent += time.monotonic() - started
    head.leave_out(variant.without)
    ranker = RankingModule(features, head, options, Labels(search=True, conversion=False), False)
    ranker.calibrate(made.valid)
    return ranker, spent


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
