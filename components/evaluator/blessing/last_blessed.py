"""The last blessed model, asked the same test: what is given up by pushing the new one.

TFX would find that model by a Resolver. Two things speak against it. Kubeflow Pipelines' own backend
refuses a pipeline with a Resolver in it; and the model a run blesses is what the repeated run would resolve,
so that the repeated run, whose inputs are the same, would evaluate and push again. Instead the Evaluator
keeps a record of each model it blesses in a folder, and reads the newest that isn't of the model in hand
when it runs; what it reads is no input, so a repeated run finds everything done.

Both models' evaluation bundles are asked, and answer by what is known before a test. With the same start of
the test both know the same, and the comparison is exact. Where the earlier one knows the shop as of an
earlier day, its histories are out of date, which says nothing of the model: then both are given each
user's latest history in the request. What else it knows (what sells, which items there are) stays of its
day: that it has aged is a reason to push, and shows as one. A model that was trained on days that are
tested now is not compared: it has seen the answers.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from aisle.components.evaluator.measures.metrics import Floats, mean, paired_interval
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.storage import exists, list_folder, make_folder, write_whole
from aisle.components.tables import json_bytes, read_json

_SUFFIX = ".json"
_DIGITS = 6


@dataclasses.dataclass(frozen=True)
class Record:
    """A blessed model: its number among them, its folder, and the start of its test (microseconds UTC)."""

    number: int
    model: str
    test_start: int


@dataclasses.dataclass(frozen=True)
class Figures:
    """One figure of both models, and theirs by user or query where the same were asked.

    Attributes:
        name: of the figure.
        ours, theirs: by user or query, [n]; NaN where undefined.
        given: whether both were given the users' histories.
    """

    name: str
    ours: Floats
    theirs: Floats
    given: bool = False


def last_blessed(folder: str, model: str) -> Record | None:
    """Returns the newest record that isn't of `model`; None where there is none."""
    return next((record for record in reversed(_records(folder)) if record.model != model), None)


def keep_blessed(folder: str, model: str, test_start: int) -> None:
    """Records a model as the last blessed one; it is there whole or not at all.

    Args:
        folder: of the records.
        model: folder of the evaluation bundle's artifact.
        test_start: as of which moment it knows the shop, microseconds UTC.
    """
    records = _records(folder)
    if records and records[-1].model == model:
        return
    make_folder(folder)
    number = records[-1].number + 1 if records else 1
    record = {"version": 1, "model": model, "test_start": test_start}
    write_whole(os.path.join(folder, f"{number:0{_DIGITS}}{_SUFFIX}"), json_bytes(record))


def compare_with_last(
    record: Record | None, test_start: int, ask: Callable[[Record], Figures], options: EvaluatorOptions
) -> dict[str, Any]:
    """Compares the new model with the last blessed one.

    Args:
        record: of the last blessed model; None where there is none.
        test_start: of this test, microseconds UTC.
        ask: asks both models; may raise OSError or ValueError where the earlier one can't be asked.
        options: the bootstrap's resamples and seed.

    Returns:
        `compared`; if False `why`, and `failed`: whether it should have been possible. If True `model`,
        `figure`, `last` and `pipeline` (the figure of each), `given` (whether both were given histories),
        `gain` (of the new over the last) and its paired 95 % interval `ci`.
    """
    if record is None:
        return not_compared("no other model was blessed before")
    if not exists(record.model):
        return not_compared(f"the last blessed model is not there any more: {record.model}")
    if record.test_start > test_start:
        return not_compared("the last blessed model has learnt from the days that are tested now")
    try:
        figures = ask(record)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        said = " ".join(str(error).split())[:200]
        why = f"the last blessed model can't be asked, {record.model}: {said}"
        return not_compared(f"{why}; bless.max_drop=1 leaves the comparison out", failed=True)
    return {
        "compared": True,
        "model": record.model,
        "figure": figures.name,
        "last": mean(figures.theirs),
        "pipeline": mean(figures.ours),
        "given": figures.given,
        "gain": mean(figures.ours - figures.theirs),
        "ci": paired_interval(figures.ours, figures.theirs, options.resamples, options.seed),
    }


def not_compared(why: str, *, failed: bool = False) -> dict[str, Any]:
    """Returns what `compare_with_last` does where it can't."""
    return {"compared": False, "why": why, "failed": failed}


def _records(folder: str) -> list[Record]:
    """The records, the oldest first."""
    if not exists(folder):
        return []
    found = []
    for name in list_folder(folder):
        stem = name.removesuffix(_SUFFIX)
        if name.endswith(_SUFFIX) and stem.isdecimal():
            values = read_json(os.path.join(folder, name))
            found.append(Record(int(stem), str(values["model"]), int(values["test_start"])))
    return sorted(found, key=lambda record: record.number)
