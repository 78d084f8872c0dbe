"""What the ranking head learns of: who asks what when, and what they took then."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import overload

import numpy as np
import polars as pl

from aisle.model.options import CandidateOptions
from aisle.model.ranking.moments import Moment, draw_moments
from aisle.model.retrieval.organic import organic
from aisle.model.retrieval.state import State
from aisle.schema.events import PURCHASE
from aisle.schema.splits import EVAL, TEST, TRAIN, tenth


@dataclasses.dataclass(frozen=True)
class Question:
    """A user or a query with the outcome of its items: (item row, click, conversion), -1 unknown.

    Example:
        >>> asked = Question("mug", "u17", {3: (1.0, -1.0)}, split="train", otherwise=None)
        >>> asked.outcomes[3]  # The item of row 3 was clicked; whether it was bought isn't known.
        (1.0, -1.0)
    """

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
class Window:
    """A moment at which candidates are retrieved, and what happens until `end`.

    Example:
        >>> week = Window(start=0, end=7 * 86_400_000_000, split="train", unseen=False)
        >>> (week.end - week.start) // 86_400_000_000
        7

    Attributes:
        start, end: microseconds UTC.
        split: what its candidates are for.
        unseen: whether the two-tower has not learnt from it, so that its scores don't tell the outcome.
    """

    start: int
    end: int
    split: str
    unseen: bool


def questions_of(
    frames: Mapping[str, pl.DataFrame],
    window: Window,
    goal: str,
    state: State,
    rows: dict[str, int],
    options: CandidateOptions,
    rng: np.random.Generator,
) -> list[Question]:
    """What is asked as of a window's start, and at moments within it."""
    most = options.test_users if window.split == TEST else options.users
    took = recommendations(frames["interactions"], window, window.split, goal, state.known(), rows)
    found = draw(took, most, rng)
    if window.split != TEST:
        again = round(options.recents * len(found))
        found += later(frames["events"], window, goal, again, state.visit_gap, rows, rng)
    if window.unseen:
        found += draw(searches(frames, window.split, rows), most, rng)
        found += _judged(frames["judgements"], rows) if window.split == EVAL else []
    return found


def windows(interactions: pl.DataFrame, splits: dict[str, int | str], most: int) -> list[Window]:
    """The test window, the validation window, and up to `most - 1` before it, half a window apart.

    A window has at least a third of the time before the test behind it, so that there are histories. Where nobody
    ever took anything, there is no time: the validation window alone stands for the judged queries.
    """
    if interactions.is_empty():
        return [Window(0, 0, EVAL, True)]
    test, begin, end = (int(splits[name]) for name in ("test_start", "eval_start", "end"))
    length = test - begin
    first = int(interactions["timestamp"].min() or 0)  # type: ignore[arg-type]
    starts = [begin - number * length // 2 for number in range(1, most)]
    return [
        Window(test, end, TEST, True),
        Window(begin, test, EVAL, True),
        *(
            Window(start, start + length, TRAIN, False)
            for start in starts
            if start - first >= (test - first) / 3
        ),
    ]


def recommendations(
    interactions: pl.DataFrame, window: Window, name: str, goal: str, known: set[str], rows: dict[str, int]
) -> Sequence[Question]:
    """What known users went on to take; everything else retrieved for them was not taken."""
    took = interactions.filter(pl.col("user_id").is_in(list(known)))
    return _baskets(took, window, name, goal, rows, {})


def later(
    events: pl.DataFrame,
    window: Window,
    goal: str,
    most: int,
    gap: float,
    rows: dict[str, int],
    rng: np.random.Generator,
) -> list[Question]:
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


def _missed(question: Question) -> dict[int, tuple[float, float]]:
    """The items of a question, none of them taken."""
    assert question.otherwise is not None
    return dict.fromkeys(question.outcomes, question.otherwise)


def _baskets(
    interactions: pl.DataFrame,
    window: Window,
    name: str,
    goal: str,
    rows: dict[str, int],
    moments: dict[str, Moment],
) -> Sequence[Question]:
    """A question for each user, with what they took in the window."""
    took = interactions.filter(pl.col("timestamp").is_between(window.start, window.end, closed="left"))
    took = organic(took.filter(pl.col("user_id") != ""))
    if goal == PURCHASE.name:
        took = took.filter(pl.col("event") == PURCHASE.name)
    hit, miss = ((-1.0, 1.0), (-1.0, 0.0)) if goal == PURCHASE.name else ((1.0, -1.0), (0.0, -1.0))
    baskets = took.group_by("user_id", maintain_order=True).agg(pl.col("item_id").unique(maintain_order=True))
    if not window.unseen:
        trains = [_user_split(user, name) == TRAIN for user in baskets["user_id"]]
        baskets = baskets.filter(pl.Series(trains, dtype=pl.Boolean))

    def question(user: str, items: list[str]) -> Question:
        outcomes = {rows[item]: hit for item in items if item in rows}
        moment = moments.get(user, Moment())
        return Question("", user, outcomes, _user_split(user, name), miss, moment=moment)

    return _Questions(baskets, question)


def searches(frames: Mapping[str, pl.DataFrame], window: str, rows: dict[str, int]) -> Sequence[Question]:
    """What was shown for a query, and whether it was clicked and bought; what was not shown is left out."""
    shown = frames["impressions"].filter(pl.col("split") == window)
    pages = shown.group_by("query", "user_id", "timestamp", maintain_order=True).agg(
        "item_id", "click", "purchase", "clicked", "weight"
    )
    # A page without a click trains no order; a rate of clicks is that of all pages.
    trains = [query for query in pages["query"].unique() if _user_split(query, window) == TRAIN]
    training = pl.col("query").is_in(pl.Series(trains, dtype=pl.String))
    pages = pages.filter((pl.col("click").list.max() > 0) | ~training)

    def question(query: str, user: str, _: int, items: list[str], *told: list[float]) -> Question:
        places = [(rows[item], n) for n, item in enumerate(items) if item in rows]
        click, purchase, clicked, weight = told
        return Question(
            query,
            user,
            {row: (click[n], purchase[n]) for row, n in places},
            _user_split(query, window),
            None,
            {row: (clicked[n], weight[n]) for row, n in places},
        )

    return _Questions(pages, question)


def _judged(judgements: pl.DataFrame, rows: dict[str, int]) -> list[Question]:
    """Judged queries: the grade's place between the lowest, 0, and the highest, 1; an unjudged candidate counts as 0."""
    if judgements.is_empty():
        return []
    lowest, highest = float(judgements["grade"].min()), float(judgements["grade"].max())  # type: ignore[arg-type]
    span = max(highest - lowest, 1e-9)
    queries = judgements.group_by("query", "split", maintain_order=True).agg("item_id", "grade")
    return [
        Question(
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


class _Questions(Sequence[Question]):
    """Questions that are made when they are asked for: of a large shop few of them are."""

    def __init__(self, rows: pl.DataFrame, question: Callable[..., Question]) -> None:
        """Args: `question`: made of a row's values."""
        self._rows, self._question = rows, question

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, number: int) -> Question: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Question]: ...
    def __getitem__(self, number: int | slice) -> Question | Sequence[Question]:
        if isinstance(number, slice):
            return _Questions(self._rows[number], self._question)
        if number >= len(self):
            raise IndexError(number)
        return self._question(*self._rows.row(number))


def draw(questions: Sequence[Question], most: int, rng: np.random.Generator) -> list[Question]:
    """Some of them, drawn without order, of which anything is known."""
    chosen = rng.permutation(len(questions))[:most]
    drawn = (questions[int(number)] for number in chosen)
    return [question for question in drawn if question.outcomes]
