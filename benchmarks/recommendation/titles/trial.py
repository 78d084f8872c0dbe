"""Heads with and without what BERT reads of titles, and its reading of the head's best, on the same candidates."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.components.evaluator.baselines.recommenders import seen
from aisle.components.evaluator.measures.metrics import Bools, Floats, Ints, relevant_items
from aisle.components.evaluator.measures.protocol import Protocol, make_protocol
from aisle.components.labeler.labelled import Labelled
from aisle.model.options import RankingOptions
from aisle.model.ranking.features_trainer import train_features
from aisle.model.ranking.inputs import history_titles
from aisle.model.ranking.numbers import log_odds
from aisle.model.ranking.rows import read_by_heads
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.retrieval.retriever import Retriever
from aisle.schema.tables import MICROSECONDS_PER_DAY
from benchmarks.labels.lists import Asking, Lists
from benchmarks.recommendation.titles.numbers import MOMENT, NUMBERS
from benchmarks.recommendation.titles.reader import Reader, Texts
from benchmarks.recommendation.titles.slices import Slice, Worth, slices_of, worth
from benchmarks.shared.measured import K
from benchmarks.shared.served import BATCH, Trained, make_retriever, tensors

READ = 20
"""How many of the best the cross-encoder reads."""
PAIRS, QUESTIONS = 4_000, 300
"""That it learns from; of later windows, whose best it reads so that others learn how much it counts."""
_NAMES = [feature.name for feature in CANDIDATE_FEATURES]
_AT_ONCE = 16_384

Rows = dict[str, tf.Tensor]


class Head:
    """A head that knows no number of titles but those `given`.

    Attributes:
        given: names of numbers.
    """

    def __init__(
        self, examples: dict[str, Rows], given: Iterable[str], seed: int, folder: pathlib.Path
    ) -> None:
        """Trains it."""
        hidden = {MOMENT, *(name for names in NUMBERS.values() for name in names)} - set(given)
        train, valid = (_without(examples[split], hidden) for split in ("train", "eval"))
        options = RankingOptions(seed=seed, text="never", members=1)
        tf.keras.utils.set_random_seed(seed)
        head = train_features(train, valid, options, str(folder / "ranking"))
        unknown = tf.constant([name in hidden for name in _NAMES])

        @tf.function(reduce_retracing=True)
        def predict(numbers: tf.Tensor) -> tf.Tensor:
            return log_odds(head(read_by_heads(tf.where(unknown, np.float32(np.nan), numbers))))[1]

        self._predict = predict

    def __call__(self, numbers: npt.NDArray[np.float32]) -> Floats:
        """The log odds that a candidate is taken: float32 [..., F] to float64 [...]."""
        flat = numbers.reshape(-1, numbers.shape[-1])
        parts = [
            self._predict(tf.constant(flat[start : start + _AT_ONCE])).numpy()
            for start in range(0, len(flat), _AT_ONCE)
        ]
        return np.concatenate(parts).reshape(numbers.shape[:-1]).astype(np.float64)


@dataclasses.dataclass(frozen=True)
class Asked:
    """What users are answered from, all items counting or those that are new to each.

    Attributes:
        lists: the candidates.
        history: the latest titles of each user, [users].
        place: of the catalogue's rows in the protocol, -1 last.
    """

    lists: Lists
    history: Texts
    place: Ints

    def answers(self, scores: Floats) -> Ints:
        """The best K by some scores [users, m], as the protocol's items."""
        order = np.argsort(np.where(self.lists.rows >= 0, -scores, np.inf), axis=1, kind="stable")[:, :K]
        return self.place[np.take_along_axis(self.lists.rows, order, 1)]


@dataclasses.dataclass(frozen=True)
class Trial:
    """What heads learn from, and what they are measured on."""

    trained: Trained
    examples: dict[str, Rows]
    asked: dict[bool, Asked]
    slices: list[Slice]
    titles: Texts
    had: npt.NDArray[np.float64]

    @staticmethod
    def make(trained: Trained) -> Trial:
        """Asks for the candidates of the labelled shop's test."""
        labelled = trained.labelled
        retriever, table = make_retriever(labelled, trained.tower)
        protocol = protocol_of(labelled)
        titles = np.array([title.encode() for title in table.titles], object)
        examples = {split: tensors(trained.examples[split]) for split in ("train", "eval")}
        asked = _asked(retriever, protocol, table.titles)
        had = relevant_items(seen(protocol.train)[protocol.users]).astype(np.float64)
        return Trial(trained, examples, asked, slices_of(protocol), titles, had)

    def head(self, given: Iterable[str], seed: int, examples: dict[str, Rows] | None = None) -> Head:
        """A head with numbers of titles."""
        return Head(examples or self.examples, given, seed, self.trained.folder)

    def worth(self, head: Head, filled: dict[bool, npt.NDArray[np.float32]] | None = None) -> Worth:
        """What a head's lists are worth; `filled`: the number `read` of each candidate."""
        answers = {}
        for new, asked in self.asked.items():
            numbers = asked.lists.numbers
            if filled is not None:
                numbers = numbers.copy()
                numbers[..., _NAMES.index("read")] = filled[new]
            answers[new] = asked.answers(head(numbers))
        return worth(answers, self.slices)

    def found_at_all(self) -> dict[str, float]:
        """The share of what is looked for that is among the candidates, by slice."""
        shares = {}
        for one in self.slices:
            asked = self.asked[one.new]
            rows = np.where(asked.lists.rows >= 0, asked.place[asked.lists.rows], -1)
            there = np.zeros(one.truth.shape, np.bool_)
            user, at = np.nonzero(rows >= 0)
            there[user, rows[user, at]] = True
            shares[one.name] = float(one.truth.multiply(there).sum() / one.truth.sum())
        return shares


def protocol_of(labelled: Labelled) -> Protocol:
    """Who is asked, and what they took."""
    splits = dataclasses.asdict(labelled.splits)
    return make_protocol(labelled.tables["items"], labelled.tables["interactions"], splits)


def _asked(retriever: Retriever, protocol: Protocol, titles: list[str]) -> dict[bool, Asked]:
    users, asking = protocol.user_ids.to_pylist(), Asking(retriever)
    known = tf.constant(titles)

    @tf.function(reduce_retracing=True)
    def history(user: tf.Tensor) -> tf.Tensor:
        none = tf.zeros([tf.size(user), 0], tf.string)
        return history_titles(retriever.context(tf.zeros_like(user), user, none).history, known)

    told = [
        history(tf.constant(users[start : start + BATCH])).numpy() for start in range(0, len(users), BATCH)
    ]
    index = {item: place for place, item in enumerate(protocol.item_ids.to_pylist())}
    place = np.array([*(index[item.decode()] for item in retriever.item_ids.numpy()), -1])
    return {new: Asked(asking.recommend(users, new), np.concatenate(told), place) for new in (False, True)}


def _without(rows: Rows, hidden: Iterable[str]) -> Rows:
    return rows | {name: tf.fill(tf.shape(rows[name]), np.float32(np.nan)) for name in hidden}


def stacked(rows: Rows) -> npt.NDArray[np.float32]:
    """The numbers of examples, [n, F]."""
    return np.stack([rows[name].numpy() for name in _NAMES], 1)


@dataclasses.dataclass(frozen=True)
class Read:
    """What a reader says of the best of a head.

    Attributes:
        lists: of each candidate of the lists, NaN of what isn't read: by whether what was taken before is left out.
        examples: the examples with the number `read`, NaN of what isn't read.
        weight, of_few: what it counts beside the head's log odds, for all, and for those with the shortest histories.
        few: who these are, [users].
        losses: of the reader's training, by tenths.
        pairs: that it learnt from.
    """

    lists: dict[bool, npt.NDArray[np.float32]]
    examples: dict[str, Rows]
    weight: float
    of_few: float
    few: Bools
    losses: list[float]
    pairs: int

    @staticmethod
    def make(trial: Trial, head: Head) -> Read:
        """Learns from early windows what the head leaves open, and reads the best of later ones and of the lists.

        Reader and what reads it share no window: what the reader says of windows it has learnt from tells their outcome.
        """
        splits, seed = trial.trained.labelled.splits, trial.trained.seed
        length = (splits.test_start - splits.eval_start) / MICROSECONDS_PER_DAY
        train = trial.examples["train"]
        moment, chance = train[MOMENT].numpy(), head(stacked(train))
        later = np.unique(moment)[-2:]
        early = np.flatnonzero(moment + length <= later[0] + 1e-3)
        chosen = matched(train["label"].numpy()[early], chance[early], PAIRS, np.random.default_rng(seed))
        chosen = early[chosen]
        reader = Reader(seed)
        history, title = (train[name].numpy() for name in ("history_titles", "title"))
        losses = reader.fit(history[chosen], title[chosen], train["label"].numpy()[chosen], seed)
        print(f"reader: {len(chosen)} pairs, losses {np.round(losses, 4).tolist()}", flush=True)
        best = best_of_questions(train, chance, np.isin(moment, later), QUESTIONS, seed)
        held = trial.examples["eval"]
        best_held = best_of_questions(
            held, head(stacked(held)), np.ones(len(held["title"]), np.bool_), QUESTIONS, seed
        )
        examples = {
            split: trial.examples[split] | {"read": _filled(reader, trial.examples[split], rows)}
            for split, rows in (("train", best), ("eval", best_held))
        }
        few = trial.had <= np.quantile(trial.had, 0.25, method="lower")
        short = train["user_items"].numpy() <= np.log1p(np.quantile(trial.had, 0.25, method="lower"))
        told = tuple(a[best] for a in (train["label"].numpy(), chance, examples["train"]["read"].numpy()))
        weight = weight_of(*told)
        some = short[best]
        of_few = weight_of(*(a[some] for a in told))
        print(
            f"reader: weight {weight:.3f}, of short histories {of_few:.3f} ({some.sum()} of {len(some)})",
            flush=True,
        )
        lists = {new: _read_lists(reader, head, asked, trial.titles) for new, asked in trial.asked.items()}
        return Read(lists, examples, weight, of_few, few, losses, len(chosen))

    def reordered(self, trial: Trial, head: Head, few_alone: bool) -> Worth:
        """The head's best in the order of its log odds and the reader's; `few_alone`: for short histories only."""
        answers = {}
        for new, asked in trial.asked.items():
            weight = (
                np.where(self.few, self.of_few, 0.0) if few_alone else np.full(len(self.few), self.weight)
            )
            said = np.nan_to_num(weight[:, None] * self.lists[new])
            scores = head(asked.lists.numbers)
            # What is read stays before what isn't.
            first = np.where(np.isnan(self.lists[new]), 0.0, 1e3)
            answers[new] = asked.answers((scores + said + first).astype(np.float32))
        return worth(answers, trial.slices)


def matched(taken: npt.NDArray[np.float32], log_odds: Floats, most: int, rng: np.random.Generator) -> Ints:
    """What was taken, and as many misses drawn by how likely a head held them to be taken: the rest is for the titles to tell."""
    hit, miss = np.flatnonzero(taken >= 0.5), np.flatnonzero(taken < 0.5)
    count = min(most // 2, len(hit), len(miss))
    chance = 1 / (1 + np.exp(-log_odds[miss].astype(np.float64)))
    drawn = rng.choice(miss, count, replace=False, p=chance / chance.sum())
    return np.concatenate([rng.choice(hit, count, replace=False), drawn])


def best_of_questions(rows: Rows, scores: Floats, among: Bools, most: int, seed: int) -> Ints:
    """The READ best rows of some questions, whose rows lie together."""
    asked = [
        rows[name].numpy() for name in ("history_titles", MOMENT, "user_first", "user_orders", "user_items")
    ]
    apart = np.any([one[1:] != one[:-1] for one in asked], axis=0)
    question = np.concatenate([[0], np.cumsum(apart)])
    order = np.lexsort((-scores, question))
    first = np.searchsorted(question[order], question[order])
    best = order[np.arange(len(order)) - first < READ]
    drawn = np.random.default_rng(seed).permutation(np.unique(question[among]))[:most]
    return np.sort(best[np.isin(question[best], drawn)])


def weight_of(taken: Floats, log_odds: Floats, said: Floats) -> float:
    """How much a reader's logit counts beside a head's log odds: by logistic regression on both."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(np.stack([log_odds, said], 1), taken >= 0.5)
    own, other = fitted.coef_[0]
    return float(other / max(own, 1e-6))


def _filled(reader: Reader, rows: Rows, best: Ints) -> tf.Tensor:
    """What a reader says of some examples; NaN of the others: [n]."""
    said = np.full(len(rows["title"]), np.nan, np.float32)
    said[best] = reader(rows["history_titles"].numpy()[best], rows["title"].numpy()[best])
    return tf.constant(said)


def _read_lists(reader: Reader, head: Head, asked: Asked, titles: Texts) -> npt.NDArray[np.float32]:
    """What a reader says of a head's best of each list; NaN of the others: [users, m]."""
    scores = np.where(asked.lists.rows >= 0, head(asked.lists.numbers), -np.inf)
    said = np.full(scores.shape, np.nan, np.float32)
    user, place = np.nonzero(np.argsort(np.argsort(-scores, 1, kind="stable"), 1) < READ)
    there = asked.lists.rows[user, place] >= 0
    user, place = user[there], place[there]
    said[user, place] = reader(asked.history[user], titles[asked.lists.rows[user, place]])
    return said
