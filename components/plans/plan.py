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
from collections.abc import Callable, Collection, Sequence
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
    """What is done to each part, and what is then asked of all, for the stages behind it.

    Attributes:
        apply: does it.
        asks: what is asked.
        reads: of a stage that only asks (`nothing`), the columns of a part that its questions look at, where they are there;
            others may be left where they lie. None: the whole part is needed.
    """

    apply: Callable[[State, Told], None]
    asks: tuple[Question[State], ...] = ()
    reads: tuple[str, ...] | None = None


class Parts(Protocol[Part]):
    """The parts of a table."""

    @property
    def count(self) -> int:
        """How many there are."""

    @property
    def folder(self) -> pathlib.Path | None:
        """Where files may be made for a while; None where there is one part."""

    def visit(
        self, work: Callable[[Part], None], reads: Collection[str] | None = None, ends: bool = False
    ) -> None:
        """Calls `work` on each part.

        Args:
            work: changes a part, which is kept as it is then.
            reads: where it changes nothing, the columns that it looks at.
            ends: whether it is the last that is done to the parts.
        """


class Elsewhere(abc.ABC, Generic[State]):
    """The parts of a table that are worked on elsewhere: no caller sees one of them."""

    @abc.abstractmethod
    def answers(self, stages: Sequence[Stage[State]], told: Told, ends: bool) -> Told:
        """Carries out stages of which only the last asks, and returns the answers by the names of its questions.

        Args:
            stages: in their order.
            told: the answers so far.
            ends: whether it is the last that is done to the parts.
        """


def carry_out(
    stages: Sequence[Stage[State]], parts: Parts[State] | Elsewhere[State], ends: bool = False
) -> Told:
    """Carries out stages on all parts, and returns the answers; stages without a question between them are done in one visit.

    Args:
        stages: in their order.
        parts: of a table.
        ends: whether nothing is done to the parts any more.
    """
    told: Told = {}
    waiting: list[Stage[State]] = []
    for stage in stages:
        waiting.append(stage)
        if stage.asks or stage is stages[-1]:
            last = ends and stage is stages[-1]
            told |= (
                parts.answers(waiting, told, last)
                if isinstance(parts, Elsewhere)
                else _visit(waiting, parts, told, last)
            )
            waiting = []
    return told


def gathered(
    parts: Parts[State] | Elsewhere[State],
    show: Callable[[State], pl.DataFrame],
    reads: tuple[str, ...] | None = None,
) -> pl.DataFrame:
    """Returns what all parts show, one below the other; `reads` as `Stage` has it."""
    asked = Question[State]("shown", lambda state, _: show(state), lambda rows: rows)
    shown: pl.DataFrame = carry_out([Stage(nothing, (asked,), reads)], parts)[asked.name]
    return shown


def columns_read(stages: Sequence[Stage[State]]) -> list[str] | None:
    """Returns the columns that stages look at which change nothing; None where one of them may."""
    if any(stage.reads is None for stage in stages):
        return None
    return list(dict.fromkeys(name for stage in stages for name in stage.reads or ()))


def nothing(state: object, told: Told) -> None:
    """Does nothing to a part: of a stage that only asks."""


def _visit(stages: Sequence[Stage[State]], parts: Parts[State], told: Told, ends: bool) -> Told:
    with tempfile.TemporaryDirectory(dir=parts.folder) as scratch:
        shown = [_Shown(asked, parts.count, pathlib.Path(scratch)) for asked in stages[-1].asks]

        def work(state: State) -> None:
            for stage in stages:
                stage.apply(state, told)
            for one in shown:
                one.add(one.question.show(state, told))

        parts.visit(work, columns_read(stages), ends)
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
