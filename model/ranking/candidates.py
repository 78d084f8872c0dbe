"""The ranking head's examples: real candidates of a later window, labelled by what happened."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator

from aisle.schema.events import PURCHASE
from aisle.schema.splits import EVAL, TEST, TRAIN, tenth

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import polars as pl
import pyarrow as pa
import tensorflow as tf

from aisle.model.options import CandidateOptions
from aisle.model.ranking.inputs import history_titles
from aisle.model.ranking.moments import Moment, as_inputs, draw_moments
from aisle.model.ranking.rows import RANKING_FEATURES
from aisle.model.retrieval.domains.lent import lent_by
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.retrieval.item_table import item_table
from aisle.model.retrieval.organic import organic
from aisle.model.retrieval.recent.events import RecentEvents
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.sources import offers
from aisle.model.retrieval.state import State, make_state
from aisle.model.retrieval.tower import held_out
from aisle.model.text.bert import Tokenizer
from aisle.model.text.lexical.index import TextSearch
from aisle.schema import features as f
from aisle.schema.bert.weights import bert_folder

_BATCH = 64
_CELLS = 6_400_000
"""Questions times items that are scored at once: fewer questions where there are more than 100,000 items."""


@dataclasses.dataclass(frozen=True)
class _Question:
    """A user or a query with the outcome of its items: (item row, click, conversion), -1 unknown."""

    query: str
    user: str
    outcomes: dict[int, tuple[float, float]]
    split: str
    otherwise: tuple[float, float] | None
    """The outcome of a candidate that is not in `outcomes`; None leaves such candidates out."""
    shown: dict[int, tuple[float, float]] = dataclasses.field(default_factory=dict)
    """Whether each result of a search was clicked, and its weight by position; by item row."""
    moment: Moment = Moment()
    """When it is asked, where that is after the window's start."""


@dataclasses.dataclass(frozen=True)
class _Window:
    """A moment at which candidates are retrieved, and what happens until `end`.

    Attributes:
        start, end: microseconds UTC.
        split: what its candidates are for.
        unseen: whether the two-tower has not learnt from it, so that its scores don't tell the outcome.
    """

    start: int
    end: int
    split: str
    unseen: bool


def make_candidates(
    two_tower: str,
    bert: str,
    tables: dict[str, pa.Table],
    splits: dict[str, int | str],
    options: CandidateOptions,
    taught: str = "",
) -> dict[str, pa.Table]:
    """Retrieves candidates as of the start of a window and labels them by what happened in it.

    Training comes from the validation window and from windows before it, validation from the
    validation window (a tenth of the users and of the queries, which train nothing), testing from the test window;
    judged queries keep their own split.

    Args:
        two_tower: the folder of the exported two-tower.
        bert: a BERT folder, "" for the installed one.
        tables: the Labeler's tables by name.
        splits: the Labeler's splits.
        options: how many.
        taught: the file of what another shop teaches; "" is none.

    Returns:
        Ranking examples by split, columns of lists.
    """
    tower = held_out(tf.saved_model.load(two_tower))
    tokenizer = Tokenizer(bert or bert_folder())
    frames = {name: pl.DataFrame(pl.from_arrow(table)) for name, table in tables.items()}
    table = item_table(tower, frames["items"])
    text = TextSearch(
        tokenizer, table.titles, table.descriptions, [item.decode() for item in tower.item_ids.numpy()]
    )
    rng = np.random.default_rng(options.seed)
    found: dict[str, list[dict[str, np.ndarray]]] = {TRAIN: [], EVAL: [], TEST: []}
    rows = {item.decode(): row for row, item in enumerate(tower.item_ids.numpy())}
    everyone = sorted(set(frames["interactions"]["user_id"]) - {""})
    lent, _ = lent_by(taught, tower, table, bert or bert_folder(), frames["interactions"])
    asking: _Asking | None = None
    for window in _windows(frames["interactions"], splits, options.windows):
        if not (options.test_users if window.split == TEST else options.users):
            continue
        state = make_state(
            *(frames["interactions"], frames["users"], list(rows)),
            window.start,
            everyone,
            frames["tags"],
            lent=lent,
        )
        if asking is None:
            retriever = Retriever(tower, text, table.prices, state, moves=True)
            asking = _Asking(retriever, table.titles, options.depth)
        asking.retriever.move_to(state)
        questions = _questions(frames, window, str(splits["goal"]), state, rows, options, rng)
        for split, part in _ask(asking, questions, options, rng):
            found[split].append(part)
    return {split: _table(parts) for split, parts in found.items()}


def _questions(
    frames: dict[str, pl.DataFrame],
    window: _Window,
    goal: str,
    state: State,
    rows: dict[str, int],
    options: CandidateOptions,
    rng: np.random.Generator,
) -> list[_Question]:
    """What is asked as of a window's start, and at moments within it."""
    most = options.test_users if window.split == TEST else options.users
    found = _recommendations(frames["interactions"], window, window.split, goal, state.known(), rows)
    found = _draw(found, most, rng)
    if window.split != TEST:
        again = round(options.recents * len(found))
        found += _later(frames["events"], window, goal, again, state.visit_gap, rows, rng)
    if window.unseen:
        found += _draw(_searches(frames, window.split, rows), most, rng)
        found += _judged(frames["judgements"], rows) if window.split == EVAL else []
    return found


def _windows(interactions: pl.DataFrame, splits: dict[str, int | str], most: int) -> list[_Window]:
    """The test window, the validation window, and up to `most - 1` before it, half a window apart.

    A window has at least a third of the time before the test behind it, so that there are histories. Where nobody
    ever took anything, there is no time: the validation window alone stands for the judged queries.
    """
    if interactions.is_empty():
        return [_Window(0, 0, EVAL, True)]
    test, begin, end = (int(splits[name]) for name in ("test_start", "eval_start", "end"))
    length = test - begin
    first = int(interactions["timestamp"].min() or 0)  # type: ignore[arg-type]
    starts = [begin - number * length // 2 for number in range(1, most)]
    return [
        _Window(test, end, TEST, True),
        _Window(begin, test, EVAL, True),
        *(
            _Window(start, start + length, TRAIN, False)
            for start in starts
            if start - first >= (test - first) / 3
        ),
    ]


def _recommendations(
    interactions: pl.DataFrame, window: _Window, name: str, goal: str, known: set[str], rows: dict[str, int]
) -> list[_Question]:
    """What known users went on to take; everything else retrieved for them was not taken."""
    took = interactions.filter(pl.col("user_id").is_in(list(known)))
    return _baskets(took, window, name, goal, rows, {})


def _later(
    events: pl.DataFrame,
    window: _Window,
    goal: str,
    most: int,
    gap: float,
    rows: dict[str, int],
    rng: np.random.Generator,
) -> list[_Question]:
    """What some users, known or not, went on to take in the visit of a moment within the window; what they took after it counts as a miss.

    Who asks in the middle of a visit wants what goes with it. `gap` is the pause, in days, that ends one. What an ad led to may
    come before a moment, and is no hit after it.
    """
    moments, took = draw_moments(events, window.start, window.end, most, gap, rng)
    questions, now = (
        _baskets(part, window, window.split, goal, rows, moments) for part in (took, took.filter("visit"))
    )
    wanted = {question.user: question.outcomes for question in now}
    return [
        dataclasses.replace(question, outcomes=_missed(question) | wanted.get(question.user, {}))
        for question in questions
        if question.outcomes
    ]


def _missed(question: _Question) -> dict[int, tuple[float, float]]:
    """The items of a question, none of them taken."""
    assert question.otherwise is not None
    return dict.fromkeys(question.outcomes, question.otherwise)


def _baskets(
    interactions: pl.DataFrame,
    window: _Window,
    name: str,
    goal: str,
    rows: dict[str, int],
    moments: dict[str, Moment],
) -> list[_Question]:
    """A question for each user, with what they took in the window."""
    took = interactions.filter(pl.col("timestamp").is_between(window.start, window.end, closed="left"))
    took = organic(took.filter(pl.col("user_id") != ""))
    if goal == PURCHASE.name:
        took = took.filter(pl.col("event") == PURCHASE.name)
    hit, miss = ((-1.0, 1.0), (-1.0, 0.0)) if goal == PURCHASE.name else ((1.0, -1.0), (0.0, -1.0))
    baskets = took.group_by("user_id", maintain_order=True).agg(pl.col("item_id").unique(maintain_order=True))
    split = {user: _user_split(user, name) for user in baskets["user_id"]}
    return [
        _Question(
            "",
            user,
            {rows[item]: hit for item in items if item in rows},
            split[user],
            miss,
            moment=moments.get(user, Moment()),
        )
        for user, items in baskets.iter_rows()
        if window.unseen or split[user] == TRAIN
    ]


def _searches(frames: dict[str, pl.DataFrame], window: str, rows: dict[str, int]) -> list[_Question]:
    """What was shown for a query, and whether it was clicked and bought; what was not shown is left out."""
    shown = frames["impressions"].filter(pl.col("split") == window)
    pages = shown.group_by("query", "user_id", "timestamp", maintain_order=True).agg(
        "item_id", "click", "purchase", "clicked", "weight"
    )
    return [
        _Question(
            query,
            user,
            {rows[i]: (c, p) for i, c, p in zip(items, clicks, purchases, strict=False) if i in rows},
            _user_split(query, window),
            None,
            {rows[i]: (s, w) for i, s, w in zip(items, clicked, weights, strict=True) if i in rows},
        )
        for query, user, _, items, clicks, purchases, clicked, weights in pages.iter_rows()
        # A page without a click trains no order; a rate of clicks is that of all pages.
        if max(clicks) > 0 or _user_split(query, window) != TRAIN
    ]


def _judged(judgements: pl.DataFrame, rows: dict[str, int]) -> list[_Question]:
    """Judged queries: the grade's place between the lowest, 0, and the highest, 1; an unjudged candidate counts as 0."""
    if judgements.is_empty():
        return []
    lowest, highest = float(judgements["grade"].min()), float(judgements["grade"].max())  # type: ignore[arg-type]
    span = max(highest - lowest, 1e-9)
    queries = judgements.group_by("query", "split", maintain_order=True).agg("item_id", "grade")
    return [
        _Question(
            query,
            "",
            {rows[i]: ((g - lowest) / span, -1.0) for i, g in zip(items, grades, strict=False) if i in rows},
            split,
            (0.0, -1.0),
        )
        for query, split, items, grades in queries.iter_rows()
    ]


def _user_split(name: str, window: str) -> str:
    """The split of a user or a query: in the validation window a tenth validate, who train nothing."""
    if window == TEST:
        return TEST
    return EVAL if tenth(name) == 0 else TRAIN


def _draw(questions: list[_Question], most: int, rng: np.random.Generator) -> list[_Question]:
    chosen = rng.permutation(len(questions))[:most]
    return [questions[number] for number in chosen if questions[number].outcomes]


class _Asking:
    """The retriever's answers as training needs them, by one graph for all moments."""

    def __init__(self, retriever: Retriever, titles: list[str], depth: int) -> None:
        """Args: `depth`: how many candidates are retrieved."""
        self.retriever = retriever
        self.titles = np.array(titles, object)
        known, most = tf.constant(titles, tf.string, [len(titles)]), min(depth, retriever.count)
        text, many = tf.TensorSpec([None], tf.string), tf.TensorSpec([None, None], tf.string)
        ages, now = tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None], tf.float64)

        @tf.function(
            input_signature=[text, text, tf.TensorSpec([None, None], tf.int32), many, many, ages, now]
        )
        def answer(
            query: tf.Tensor, user: tf.Tensor, others: tf.Tensor, *recent: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
            nothing = tf.zeros([tf.shape(query)[0], 0], tf.string)
            context = retriever.context(query, user, nothing, RecentEvents(*recent))
            nothing = tf.zeros_like(context.scores["count"], tf.bool)
            recommended = retriever.candidates(context, offers("recommend"), nothing)
            searched = retriever.blend(context, offers("search"), nothing)
            top = tf.math.top_k(tf.where((query != "")[:, None], searched, recommended), most)
            found = tf.where(top.values > 0, top.indices, -1)
            numbers = retriever.features(context, tf.maximum(tf.concat([found, others], 1), 0))
            return found, numbers, history_titles(context.history, known), context.query

        self._answer = answer

    def answer(
        self, questions: list[_Question]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Asks a batch.

        Returns:
            The rows retrieved, int32 [b, depth], -1 pads; those and the rows with an outcome, int32 [b, m], -1 pads,
            and the numbers of these, float32 [b, m, F]; the history's titles and the query as read, string [b].
        """
        outcomes = [list(question.outcomes) for question in questions]
        others = np.full((len(questions), max(map(len, outcomes))), -1, np.int32)
        for place, rows in enumerate(outcomes):
            others[place, : len(rows)] = rows
        query, user = ([getattr(q, name) for q in questions] for name in ("query", "user"))
        recent = as_inputs([question.moment for question in questions])
        told = self._answer(tf.constant(query), tf.constant(user), tf.constant(others), *recent)
        found, numbers, history, read = (value.numpy() for value in told)
        return found, np.concatenate([found, others], 1), numbers, history, read


def _ask(
    asking: _Asking, questions: list[_Question], options: CandidateOptions, rng: np.random.Generator
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Asks the retriever in batches; yields each question's split and labelled candidates."""
    size = max(1, min(_BATCH, _CELLS // asking.retriever.count))
    for start in range(0, len(questions), size):
        batch = questions[start : start + size]
        found, rows, numbers, history, read = asking.answer(batch)
        for number, question in enumerate(batch):
            chosen = _choose(question, found[number], options, rng)
            if chosen:
                place = {int(row): at for at, row in enumerate(rows[number])}
                kept = numbers[number, [place[row] for row in chosen]]
                texts = (read[number], history[number], asking.titles[list(chosen)])
                yield question.split, _rows(question, chosen, texts, kept)


def _choose(
    question: _Question, retrieved: np.ndarray, options: CandidateOptions, rng: np.random.Generator
) -> dict[int, tuple[float, float]]:
    """The candidates kept of a question, with their outcomes: those of a known outcome, then some drawn others."""
    found = [int(row) for row in retrieved if row >= 0]
    if question.query:
        # What a person saw or judged is kept whole, retrieved or not.
        judged = dict(question.outcomes)
    else:
        judged = {row: question.outcomes[row] for row in found if row in question.outcomes}
    if question.otherwise is None:
        return judged
    others = [row for row in found if row not in question.outcomes]
    drawn: list[int] = rng.permutation(others)[: options.negatives].tolist() if others else []
    return {**judged, **{row: question.otherwise for row in drawn}}


def _rows(
    question: _Question,
    rows: dict[int, tuple[float, float]],
    texts: tuple[bytes, bytes, np.ndarray],
    numbers: np.ndarray,
) -> dict[str, np.ndarray]:
    """The ranking examples of a question; `texts` are the query and the history as read, and each row's title."""
    query, history, titles = texts
    click, conversion = np.array(list(rows.values()), np.float32).T
    clicked, weight = np.array([question.shown.get(row, (-1.0, 1.0)) for row in rows], np.float32).T
    outcome = np.where(conversion >= 0, conversion, click)
    if question.query:
        outcome = click
    return {
        "query": np.full(len(rows), query, object),
        "history_titles": np.full(len(rows), history, object),
        "title": titles,
        **{feature.name: numbers[:, n] for n, feature in enumerate(CANDIDATE_FEATURES)},
        "click": click,
        "conversion": conversion,
        "label": (outcome >= 0.5).astype(np.float32),
        "clicked": clicked,
        "weight": weight,
    }


def _table(parts: list[dict[str, np.ndarray]]) -> pa.Table:
    """Ranking examples as list columns of one value each."""
    columns = {}
    for feature in RANKING_FEATURES:
        values = np.concatenate([part[feature.name] for part in parts]) if parts else np.array([])
        kind = pa.binary() if feature.dtype is f.Dtype.BYTES else pa.float32()
        offsets = pa.array(np.arange(len(values) + 1, dtype=np.int32))
        columns[feature.name] = pa.ListArray.from_arrays(offsets, pa.array(values, kind))
    return pa.table(columns)
