"""A plan's stages and questions carried out by Beam, under whatever runner its pipelines have.

Beam moves the numbers of parts and nothing else. What is to be done, the parts and what they show lie in a folder that all
workers see (`shared`): what Beam is given as an element or in a function's closure it would pickle and compress, which costs
more than the work. Each turn (some stages and a question) is a pipeline of its own: parts of the turn before are read and those
of this one written, so that a part whose worker died is worked on again from where it was.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import apache_beam as beam
import polars as pl

from aisle.components.plans.plan import Elsewhere, Question, Stage, Told, columns_read
from aisle.components.plans.shared import SharedFolder, by_key, together

State = TypeVar("State")
Work = Callable[[int], None]
"""What is done to each of some numbers, by whichever worker takes it: it writes files, and may be done twice."""


class OnBeam(Elsewhere[State]):
    """The parts of a table in a folder that all of Beam's workers see."""

    def __init__(
        self, folder: str, count: int, pipeline: Callable[[], Any], begin: Callable[[int], State]
    ) -> None:
        """Opens the parts; none is made yet.

        Args:
            folder: local or remote, for these parts alone, about twice what they take.
            count: how many parts there are.
            pipeline: makes a Beam pipeline, which runs when its context ends.
            begin: makes the part of a number, on the worker that first works on it.
        """
        self.count = count
        self._folder, self._pipeline, self._begin = folder, pipeline, begin
        self._turn = self._kept = 0

    def answers(self, stages: Sequence[Stage[State]], told: Told) -> Told:
        """See `plan.Elsewhere`."""
        asked, begin = stages[-1].asks, None if self._kept else self._begin
        # A part that is only looked at stays where it is, but for the first time.
        keeps = begin is not None or columns_read(stages) is None
        self._turn += 1
        before, turn = self.kept, SharedFolder(self._turn_folder(self._turn))
        visit = functools.partial(_visit, before, turn.path, self.count, begin, keeps, tuple(stages), told)
        keyed = [question for question in asked if question.by]
        answer = functools.partial(_answer, turn.path, self.count, keyed) if keyed else None
        on_workers(turn, self._pipeline, self.count, visit, answer)
        answers = {question.name: self._answered(turn, question) for question in asked}
        if keeps and self._kept:
            SharedFolder(before).remove()
        elif not keeps:
            turn.remove()
        self._kept = self._turn if keeps else self._kept
        return answers

    @property
    def kept(self) -> str:
        """The folder of the parts, each `part-` and its number, as the last stage left them."""
        return self._turn_folder(self._kept)

    def states(self) -> Iterator[State]:
        """Yields each part as the last stage left it, in this process."""
        kept = SharedFolder(self.kept)
        for number in range(self.count):
            yield kept.load(f"part-{number}")

    def _answered(self, turn: SharedFolder, question: Question[State]) -> Any:
        parts = range(self.count)
        if question.by:
            return pl.concat([turn.load(f"{question.name}-answer-{number}") for number in parts])
        return question.answer(turn.read(_shown(question, self.count)))

    def _turn_folder(self, turn: int) -> str:
        return os.path.join(self._folder, f"turn-{turn}")


def on_workers(
    folder: SharedFolder, pipeline: Callable[[], Any], count: int, work: Work, then: Work | None = None
) -> None:
    """Has Beam's workers do work on each number below `count`, and once all of it is done, something else.

    Args:
        folder: where the work is left for them.
        pipeline: makes a Beam pipeline, which runs when its context ends.
        count: how many numbers there are.
        work: done to each.
        then: done to each when `work` was done to all.
    """
    folder.store("work", work)
    folder.store("then", then)
    with pipeline() as running:
        numbers = running | "Numbers" >> beam.Create(range(count), reshuffle=False)
        done = numbers | "Work" >> _OnEach(folder.path, "work")
        if then is not None:
            # A group is whole when all of the work is done. Told by a side input, that took a job twice as many steps.
            all_done = done | "Done" >> beam.WithKeys(0) | beam.GroupByKey()
            again = all_done | "Again" >> beam.FlatMap(_numbers, count)
            _ = again | "Then" >> _OnEach(folder.path, "then")


def _numbers(group: object, count: int) -> Iterator[int]:
    """All numbers, once the group is there."""
    yield from range(count)


class _OnEach(beam.PTransform):
    """Does work on each number, spread over the workers."""

    def __init__(self, folder: str, name: str) -> None:
        super().__init__()
        self._folder, self._name = folder, name

    def expand(self, numbers: Any) -> Any:
        # Beam would else do all in one step with what makes the numbers, on one worker.
        spread = numbers | "Spread" >> beam.Reshuffle()
        return spread | "Do" >> beam.ParDo(_Do(self._folder, self._name))


class _Do(beam.DoFn):
    """Does the work that lies in a folder on each number."""

    def __init__(self, folder: str, name: str) -> None:
        self._folder, self._name = folder, name

    def setup(self) -> None:
        """Reads the work, once for many numbers."""
        self._work: Work = SharedFolder(self._folder).load(self._name)

    def process(self, number: int) -> Iterator[int]:
        """Does the work."""
        self._work(number)
        yield number


def _visit(
    before: str,
    now: str,
    count: int,
    begin: Callable[[int], State] | None,
    keeps: bool,
    stages: Sequence[Stage[State]],
    told: Told,
    number: int,
) -> None:
    """Carries out stages on a part, and keeps what it became, where it may have changed, and what it shows."""
    state = SharedFolder(before).load(f"part-{number}") if begin is None else begin(number)
    turn = SharedFolder(now)
    for stage in stages:
        stage.apply(state, told)
    for question in stages[-1].asks:
        rows = question.show(state, told)
        rows, buckets = by_key(rows, question.by, count) if question.by else (rows, together(rows))
        turn.write(f"{question.name}-{number}", rows, buckets, count if question.by else 1)
    if keeps:
        turn.store(f"part-{number}", state)


def _answer(folder: str, count: int, questions: Sequence[Question[Any]], bucket: int) -> None:
    """Answers questions for the rows of a bucket."""
    turn = SharedFolder(folder)
    for question in questions:
        rows = turn.read(_shown(question, count), bucket)
        turn.store(f"{question.name}-answer-{bucket}", question.answer(rows))


def _shown(question: Question[Any], count: int) -> list[str]:
    """The files of what the parts show for a question."""
    return [f"{question.name}-{number}" for number in range(count)]
