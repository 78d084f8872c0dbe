"""A plan's stages and questions carried out by Beam, under whatever runner its pipelines have.

Beam moves the numbers of parts and nothing else. What is to be done, the parts and what they show lie in a folder that all
workers see (`shared`): what Beam is given as an element or in a function's closure it would pickle and compress, which costs
more than the work. Each turn (some stages and a question) is a pipeline of its own: parts of the turn before are read and those
of this one written, so that a part whose worker died is worked on again from where it was.
"""

from __future__ import annotations

import abc
import functools
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Generic, TypeVar

import apache_beam as beam
import polars as pl

from aisle.components.plans.plan import Elsewhere, Question, Stage, Told, columns_read
from aisle.components.plans.shared import SharedFolder, by_key

State = TypeVar("State")
Work = tuple[int, Callable[[int], None]]
"""How many numbers there are, and what is done to each, by whichever worker takes it: it writes files, and may be done twice."""


class Keeping(abc.ABC, Generic[State]):
    """How parts lie in folders, as workers keep and find them there."""

    @abc.abstractmethod
    def load(self, folder: SharedFolder | None, number: int, reads: Collection[str] | None) -> State:
        """Returns a part.

        Args:
            folder: in which it was kept; None where it wasn't yet, and is as it begins.
            number: its own.
            reads: where it will not be changed, the columns that are looked at.
        """

    @abc.abstractmethod
    def store(self, folder: SharedFolder, number: int, state: State) -> None:
        """Keeps a part that may have been changed, for the next turn."""

    @abc.abstractmethod
    def end(self, folder: SharedFolder, number: int, state: State) -> None:
        """Keeps what is asked of a part to which nothing more is done."""


class OnBeam(Elsewhere[State]):
    """The parts of a table in a folder that all of Beam's workers see."""

    def __init__(
        self,
        folder: str,
        count: int,
        pipeline: Callable[[], Any],
        keeping: Keeping[State],
        first: Sequence[Work] = (),
    ) -> None:
        """Opens the parts; nothing is done yet.

        Args:
            folder: local or remote, for these parts alone, about twice what they take.
            count: how many parts there are.
            pipeline: makes a Beam pipeline, which runs when its context ends.
            keeping: how they lie there.
            first: what is done before them, in the pipeline of the first turn.
        """
        self.count = count
        self.kept: SharedFolder | None = None
        self._folder, self._pipeline, self._keeping = folder, pipeline, keeping
        self._first, self._turn = tuple(first), 0

    def answers(self, stages: Sequence[Stage[State]], told: Told, ends: bool) -> Told:
        """See `plan.Elsewhere`."""
        asked, self._turn = stages[-1].asks, self._turn + 1
        turn = SharedFolder(os.path.join(self._folder, f"turn-{self._turn}"))
        visit = functools.partial(
            _visit, self._keeping, self.kept, turn, self.count, tuple(stages), told, ends
        )
        works: list[Work] = [*self._first, (self.count, visit)]
        self._first = ()
        keyed = [question for question in asked if question.by]
        if keyed:
            works.append((self.count, functools.partial(_answer, turn, self.count, keyed)))
        on_workers(turn, self._pipeline, *works)
        answers = {question.name: self._answered(turn, question) for question in asked}
        if columns_read(stages) is None:
            self._changed(turn)
            if self.kept is not None:
                self.kept.remove()
            self.kept = turn
        else:
            # A part that is only looked at stays where it is.
            turn.remove()
        return answers

    def _changed(self, turn: SharedFolder) -> None:
        """Is called when all parts were kept in a turn's folder."""

    def _answered(self, turn: SharedFolder, question: Question[State]) -> Any:
        parts = range(self.count)
        if question.by:
            return pl.concat([turn.load(f"{question.name}-answer-{number}") for number in parts])
        return question.answer(turn.read(_shown(question, self.count)))


def on_workers(folder: SharedFolder, pipeline: Callable[[], Any], *works: Work) -> None:
    """Has Beam's workers do works one after the other, each on all of its numbers when the one before is done.

    Args:
        folder: where the works are left for them.
        pipeline: makes a Beam pipeline, which runs when its context ends.
        works: one or more.
    """
    done: Any = None
    with pipeline() as running:
        for nth, (count, work) in enumerate(works):
            folder.store(f"work-{nth}", work)
            if nth:
                # A group is whole when all of the work is done. Told by a side input, that took a job twice as many steps.
                all_done = done | f"Done {nth}" >> beam.WithKeys(0) | f"All {nth}" >> beam.GroupByKey()
                numbers = all_done | f"Numbers {nth}" >> beam.FlatMap(_numbers, count)
            else:
                numbers = running | "Numbers" >> beam.Create(range(count), reshuffle=False)
            done = numbers | f"Work {nth}" >> _OnEach(folder, f"work-{nth}")


def _numbers(group: object, count: int) -> Iterator[int]:
    """All numbers, once the group is there."""
    yield from range(count)


class _OnEach(beam.PTransform):
    """Does work on each number, spread over the workers."""

    def __init__(self, folder: SharedFolder, name: str) -> None:
        super().__init__()
        self._folder, self._name = folder, name

    def expand(self, numbers: Any) -> Any:
        # Beam would else do all in one step with what makes the numbers, on one worker.
        spread = numbers | "Spread" >> beam.Reshuffle()
        return spread | "Do" >> beam.ParDo(_Do(self._folder, self._name))


class _Do(beam.DoFn):
    """Does the work that lies in a folder on each number."""

    def __init__(self, folder: SharedFolder, name: str) -> None:
        self._folder, self._name = folder, name

    def setup(self) -> None:
        """Reads the work, once for many numbers."""
        self._work: Callable[[int], None] = self._folder.load(self._name)

    def process(self, number: int) -> Iterator[int]:
        """Does the work."""
        self._work(number)
        yield number


def _visit(
    keeping: Keeping[State],
    before: SharedFolder | None,
    turn: SharedFolder,
    count: int,
    stages: Sequence[Stage[State]],
    told: Told,
    ends: bool,
    number: int,
) -> None:
    """Carries out stages on a part, and keeps what it shows, and what it became where it may have changed."""
    reads = columns_read(stages)
    state = keeping.load(before, number, reads)
    for stage in stages:
        stage.apply(state, told)
    for question in stages[-1].asks:
        rows = question.show(state, told)
        name = f"{question.name}-{number}"
        if question.by:
            turn.write(name, *by_key(rows, question.by, count), count)
        else:
            turn.write(name, rows)
    if reads is None:
        (keeping.end if ends else keeping.store)(turn, number, state)


def _answer(turn: SharedFolder, count: int, questions: Sequence[Question[Any]], bucket: int) -> None:
    """Answers questions for the rows of a bucket."""
    for question in questions:
        rows = turn.read(_shown(question, count), bucket)
        turn.store(f"{question.name}-answer-{bucket}", question.answer(rows))


def _shown(question: Question[Any], count: int) -> list[str]:
    """The files of what the parts show for a question."""
    return [f"{question.name}-{number}" for number in range(count)]
