"""Experiments as a shop writes them down, in TOML or JSON: the gateway and the analysis read the same file.

[[experiment]]
name = "rerank"
coverage = 0.1
arms = [{name = "as-is", share = 0.5}, {name = "new", share = 0.5, label = "canary"}]
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.experiments.assignment.running import Running
from aisle.schema.errors import InputError

_TEXTS = ("name", "layer", "salt", "unit", "hash", "label", "policy")
_NUMBERS = ("share", "coverage")


def read_running(values: Mapping[str, Any]) -> Running:
    """The experiments of a file.

    Raises:
        InputError: a key or a value isn't one of an experiment's, or two disturb each other.
    """
    if set(values) != {"experiment"} or not isinstance(values["experiment"], list):
        raise InputError(
            f"a file of experiments with the keys {sorted(values)}; expected tables [[experiment]]"
        )
    return Running(tuple(read_experiment(one) for one in values["experiment"]))


def read_experiment(values: Mapping[str, Any]) -> Experiment:
    """One experiment.

    Raises:
        InputError: a key or a value isn't one of an experiment's.
    """
    where = f"the experiment {values.get('name', '')!r}"
    told = _checked(values, Experiment, where)
    arms = told.get("arms")
    if not isinstance(arms, (list, tuple)) or not all(isinstance(arm, Mapping) for arm in arms):
        raise InputError(f"{where}: arms is {arms!r}; expected tables such as {{name = 'new', share = 0.5}}")
    told["arms"] = tuple(Arm(**_checked(arm, Arm, f"an arm of {where}")) for arm in arms)
    if not told.get("salt"):  # An empty one in a file is none.
        told.pop("salt", None)
    if "slot" in told:
        told["slot"] = _pair(told["slot"], where)
    return Experiment(**told)


def written(experiment: Experiment) -> dict[str, Any]:
    """What `read_experiment` reads, in JSON's types, without what is as by default."""
    said = dataclasses.asdict(experiment)
    arms = [{key: value for key, value in arm.items() if value != "" and value != {}} for arm in said["arms"]]
    defaults = {field.name: field.default for field in dataclasses.fields(Experiment)}
    kept = {key: value for key, value in said.items() if value != defaults[key] and value != {}}
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in (kept | {"arms": arms}).items()
    }


def _checked(values: Mapping[str, Any], record: type[Experiment] | type[Arm], where: str) -> dict[str, Any]:
    """The values of a record's fields, by their types."""
    fields = {field.name: field for field in dataclasses.fields(record)}
    if unknown := sorted(set(values) - set(fields)):
        raise InputError(f"{where}: unknown key {unknown[0]!r}; there are: {', '.join(fields)}")
    needed = [
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if absent := [name for name in needed if name not in values]:
        raise InputError(f"{where}: there is no {absent[0]}; expected {', '.join(needed)}")
    for name, value in values.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if (name in _TEXTS and not isinstance(value, str)) or (name in _NUMBERS and not number):
            raise InputError(
                f"{where}: {name} is {value!r}; expected {'a text' if name in _TEXTS else 'a number'}"
            )
        if name == "interleaved" and not isinstance(value, bool):
            raise InputError(f"{where}: interleaved is {value!r}; expected true or false")
        if name in ("settings", "forced") and not isinstance(value, Mapping):
            raise InputError(f"{where}: {name} is {value!r}; expected a table")
    return dict(values)


def _pair(value: Any, where: str) -> tuple[float, float]:
    try:
        start, end = value
        return float(start), float(end)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: slot is {value!r}; expected from and to, such as [0.0, 0.5]") from error
