"""The ranking head's examples: real candidates of a later window, labelled by what happened."""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Iterator

from aisle.schema.splits import EVAL, TEST, TRAIN

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import polars as pl
import pyarrow as pa
import tensorflow as tf

from aisle.model.options import CandidateOptions
from aisle.model.ranking.inputs import history_titles
from aisle.model.ranking.moments import as_inputs
from aisle.model.ranking.questions import Question, Window, questions_of, windows
from aisle.model.ranking.rows import RANKING_FEATURES
from aisle.model.retrieval.domains.lent import lent_by, shelf_of
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.retrieval.item_table import table_of
from aisle.model.retrieval.recent.events import RecentEvents
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.sources import offers
from aisle.model.retrieval.state import State, make_state
from aisle.model.retrieval.tower import catalogue_of, load_held_out, texts_of
from aisle.model.spilled import Spilled, SpilledRows
from aisle.model.text.bert import Tokenizer
from aisle.model.text.lexical.index import TextSearch
from aisle.model.training.memory import give_back
from aisle.model.transfer.lent import Lent
from aisle.schema import features as f
from aisle.schema.bert.weights import bert_folder

_BATCH = 64
_CELLS = 1_000_000
"""Questions times items that are scored at once, about 270 bytes each: fewer questions where there are more than 15,600 items."""


def make_candidates(
    two_tower: str,
    bert: str,
    frames: dict[str, pl.DataFrame],
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
        frames: the Labeler's tables by name; what isn't needed any more is taken out.
        splits: the Labeler's splits.
        options: how many.
        taught: the file of what another shop teaches; "" is none.

    Returns:
        Ranking examples by split, columns of lists.
    """
    bert, ids = bert or bert_folder(), catalogue_of(two_tower)
    table = table_of(ids, frames.pop("items"))
    asked = [
        window
        for window in windows(frames["interactions"], splits, options.windows)
        if (options.test_users if window.split == TEST else options.users)
    ]
    rng = np.random.default_rng(options.seed)
    found: dict[str, list[dict[str, np.ndarray]]] = {TRAIN: [], EVAL: [], TEST: []}
    rows = {item: row for row, item in enumerate(ids)}
    with tempfile.TemporaryDirectory() as folder:
        # Of a large shop there is no room to sum the past up beside the towers.
        texts = texts_of(two_tower, pathlib.Path(folder) / "texts")
        lent, _ = lent_by(taught, shelf_of(texts, table, bert), frames["interactions"], ids)
        states = _states(frames, asked, ids, texts, lent, pathlib.Path(folder))
        titles, prices = table.titles, table.prices
        text = TextSearch(Tokenizer(bert), titles, table.descriptions, ids)
        del ids, table
        give_back()
        asking: _Asking | None = None
        for window, spilled in zip(asked, states, strict=True):
            state = spilled.read()
            if asking is None:
                retriever = Retriever(load_held_out(two_tower), text, prices, state, moves=True)
                asking = _Asking(retriever, titles, options.depth)
            asking.retriever.move_to(state)
            questions = questions_of(frames, window, str(splits["goal"]), state, rows, options, rng)
            del state
            give_back()
            for split, part in _ask(asking, questions, options, rng):
                found[split].append(part)
            give_back()  # What questions took isn't held beside the next moment.
    return {split: _table(parts) for split, parts in found.items()}


def _states(
    frames: dict[str, pl.DataFrame],
    asked: list[Window],
    ids: list[str],
    texts: SpilledRows,
    lent: Lent,
    folder: pathlib.Path,
) -> list[Spilled[State]]:
    """The shop as of each window's start, in files; of the frames stays what questions are made of."""
    everyone = sorted(set(frames["interactions"]["user_id"]) - {""})
    states = []
    for number, window in enumerate(asked):
        state = make_state(
            *(frames["interactions"], frames["users"], ids),
            window.start,
            everyone,
            frames["tags"],
            lent=lent,
            texts=texts,
        )
        states.append(Spilled(state, folder / f"{number}.npz"))
        del state
        give_back()
    for name in ("users", "tags", "intents"):
        frames.pop(name, None)
    first = min((window.start for window in asked), default=0)
    for name in {"interactions", "events"} & frames.keys():
        within = frames[name].filter(pl.col("timestamp") >= first)
        frames[name] = within.drop("session_id", "weight", "split", strict=False)
    return states


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
        self, questions: list[Question]
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
    asking: _Asking, questions: list[Question], options: CandidateOptions, rng: np.random.Generator
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
    question: Question, retrieved: np.ndarray, options: CandidateOptions, rng: np.random.Generator
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
    question: Question,
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
