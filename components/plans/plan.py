"""A plan's stages and questions, and how they are carried out in this process.

A stage is a map over the parts of a table; before the next one, questions are asked of all parts, and the answers are told
to each. In memory is one part at a time, and what the parts show. Parts that lie elsewhere carry stages out by an engine of
their own (`on_beam`), which this module knows nothing of.
"""

from __future__ import annotations

import abc
import dataclasses
import pathlib
import tempfile
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import polars as pl

from aisle.components.plans.spool import Spool, in_order

State = TypeVar("State")
Part = TypeVar("Part", covariant=True)
Told = dict[str, Any]
"""The answers so far, by the name of the question."""


@dataclasses.dataclass(frozen=True)
class Question(Generic[State]):
    """What is asked of all parts.

    Attributes:
        name: by which the answer is told.
        show: what a part shows of itself: some columns of some of its rows (with `spool.ROW` where their order counts), or
            a summary.
        answer: makes the answer of what all parts show; it must not depend on how many parts there are.
        by: a column of what is shown. Rows that agree in it are answered together, and apart from others. The answer is
            then a frame or series for each, and all of these in any order. It must not tell of rows that have nothing in
            the column: these may be left out.
    """

    name: str
    show: Callable[[State, Told], pl.DataFrame]
    answer: Callable[[pl.DataFrame], Any]
    by: str = ""


@dataclasses.dataclass(frozen=True)
class Stage(Generic[State]):
    """What is done to each part, and what is then asked of all, for the stages behind it."""

    apply: Callable[[State, Told], None]
    asks: tuple[Question[State], ...] = ()


class Parts(Protocol[Part]):
    """The parts of a table."""

    @property
    def count(self) -> int:
        """How many there are."""

    @property
    def folder(self) -> pathlib.Path | None:
        """Where files may be made for a while; None where there is one part."""

    def visit(self, work: Callable[[Part], None]) -> None:
        """Calls `work` on each part, and keeps what it made of it."""


class Elsewhere(abc.ABC, Generic[State]):
    """The parts of a table that are worked on elsewhere: no caller sees one of them."""

    @abc.abstractmethod
    def answers(self, stages: Sequence[Stage[State]], told: Told) -> Told:
        """Carries out stages of which only the last asks, and returns the answers by the names of its questions."""


def carry_out(stages: Sequence[Stage[State]], parts: Parts[State] | Elsewhere[State]) -> Told:
    """Carries out stages on all parts, and returns the answers; stages without a question between them are done in one visit."""
    told: Told = {}
    waiting: list[Stage[State]] = []
    for stage in stages:
        waiting.append(stage)
        if stage.asks or stage is stages[-1]:
            if isinstance(parts, Elsewhere):
                told |= parts.answers(waiting, told)
            else:
                told |= _visit(waiting, parts, told)
            waiting = []
    return told


def gathered(parts: Parts[State] | Elsewhere[State], show: Callable[[State], pl.DataFrame]) -> pl.DataFrame:
    """Returns what all parts show, one below the other."""
    if isinstance(parts, Elsewhere):
        asked = Question[State]("shown", lambda state, _: show(state), lambda rows: rows)
        return parts.answers([Stage(nothing, (asked,))], {})[asked.name]
    shown: list[pl.DataFrame] = []
    parts.visit(lambda state: shown.append(show(state)))
    return pl.concat(shown)


def nothing(state: object, told: Told) -> None:
    """Does nothing to a part: of a stage that only asks."""


def _visit(stages: Sequence[Stage[State]], parts: Parts[State], told: Told) -> Told:
    with tempfile.TemporaryDirectory(dir=parts.folder) as scratch:
        shown = [_Shown(asked, parts.count, pathlib.Path(scratch)) for asked in stages[-1].asks]

        def work(state: State) -> None:
            for stage in stages:
                stage.apply(state, told)
            for one in shown:
                one.add(one.question.show(state, told))

        parts.visit(work)
        return {one.question.name: one.answer() for one in shown}


class _Shown(Generic[State]):
    """What parts show for a question: in memory, or on disk by its key."""

    def __init__(self, question: Question[State], count: int, folder: pathlib.Path) -> None:
        self.question = question
        self._rows: list[pl.DataFrame] = []
        self._spool = Spool(folder / question.name, count) if question.by and count > 1 else None

    def add(self, rows: pl.DataFrame) -> None:
        if self._spool is None:
            self._rows.append(rows)
        else:
            self._spool.add_by(rows, self.question.by)

    def answer(self) -> Any:
        if self._spool is None:
            return self.question.answer(in_order(pl.concat(self._rows)))
        return pl.concat([self.question.answer(rows) for rows in self._spool])
