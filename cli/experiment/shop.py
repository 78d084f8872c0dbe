"""A shop's events, and the file of its experiments and metrics."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from aisle.schema.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from aisle.experiments.analysis.events import Events
    from aisle.experiments.analysis.measures import Declared
    from aisle.experiments.analysis.slices import Slice, Users
    from aisle.experiments.assignment.experiment import Experiment
    from aisle.experiments.assignment.running import Running

_DAY = 86_400e6
"""In microseconds, which a timestamp is read in."""


class Asked(NamedTuple):
    """An experiment, by what it is compared, and in which slices."""

    experiment: Experiment
    metrics: tuple[Declared, ...]
    slices: tuple[Slice, ...]

    @property
    def kinds(self) -> list[str]:
        """Of events that tell which of two rankings users prefer: what the metrics measure of which more is better, each once.

        Raises:
            InputError: there are none.
        """
        asked = [metric for metric in self.metrics if metric.better == "up" and not metric.guardrail]
        if not asked:
            raise InputError(
                "of every metric less is better, or it is a guardrail; name one of which more is better, such as clicks"
            )
        return list(dict.fromkeys(metric.measure.event for metric in asked))

    def columns(self, table: str) -> list[str]:
        """What the slices read of a table, such as `users.`."""
        return [one.column for one in self.slices if one.by.startswith(table)]


def read_file(path: str, name: str | None) -> Asked:
    """An experiment of a TOML file, its metrics and its slices.

    Args:
        path: of the file, `[[experiment]]`, `[[metric]]` and `[[slice]]`.
        name: the experiment's; the only one's without.

    Raises:
        InputError: the file can't be read, or holds no such experiment.
    """
    from aisle.experiments.analysis.reading import read_metrics, read_slices
    from aisle.experiments.assignment.reading import read_running

    values = _read_toml(path)
    try:
        metrics, slices = read_metrics(values.pop("metric", [])), read_slices(values.pop("slice", []))
        running = read_running(values)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    found = [one for one in running.experiments if name in (None, one.name)]
    if len(found) != 1:
        names = ", ".join(one.name for one in running.experiments)
        raise InputError(f"{path} holds the experiments {names}; name one of them by --name")
    return Asked(found[0], metrics, slices)


def read_experiments(path: str) -> Running:
    """All experiments of a TOML file, which may hold metrics and slices, too.

    Raises:
        InputError: the file can't be read, or holds no experiments, or such as disturb each other.
    """
    from aisle.experiments.assignment.reading import read_running

    values = _read_toml(path)
    return read_running({name: value for name, value in values.items() if name not in ("metric", "slice")})


def _read_toml(path: str) -> dict[str, Any]:
    import tomli

    try:
        return tomli.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read: {error}") from error


def read_events(
    data: str, unit: str, config_file: str | None, assignments: tuple[str, ...], columns: Iterable[str] = ()
) -> Events:
    """The events of a data folder, read as a run reads them.

    Args:
        data: the folder.
        unit: the column of who did it.
        config_file: settings as TOML, of how the files are read.
        assignments: single ones.
        columns: further ones, of slices.

    Raises:
        InputError: there are none, or they can't be read, or have no such column.
    """
    from aisle.components.example_gen.reader import read_table
    from aisle.experiments.analysis.events import Events
    from aisle.pipeline.config import load_config
    from aisle.schema.tables import EVENTS

    readings = load_config(config_file, assignments).readings()
    rows = read_table(data, EVENTS, reading=readings[EVENTS.name]).rows
    _check_columns(rows, [unit], f"the events of {data}", "which the experiment assigns by")
    _check_columns(rows, columns, f"the events of {data}", "which a slice is by")
    day = rows["timestamp"].to_numpy().astype("datetime64[us]").astype(np.int64) / _DAY
    value = _numbers(rows, "price", np.nan) * _numbers(rows, "quantity", 1.0)
    other = "session_id" if unit == "user_id" else "user_id"
    same = ("experiment", "arm", "event_id", "request_id", "item_id")
    return Events(
        unit=_texts(rows, unit),
        kind=_texts(rows, "event"),
        day=day,
        value=value,
        other_unit=_texts(rows, other),
        columns={name: _texts(rows, name) for name in columns},
        **{name: _texts(rows, name) for name in same},
    )


def read_users(
    data: str, columns: Iterable[str], config_file: str | None, assignments: tuple[str, ...]
) -> Users:
    """Columns of a data folder's users, by the user's id; read as `read_events` reads.

    Raises:
        InputError: there are no users, or they can't be read, or have no such column.
    """
    from aisle.components.example_gen.reader import read_table
    from aisle.pipeline.config import load_config
    from aisle.schema.tables import USERS

    if not columns:
        return {}
    rows = read_table(data, USERS, reading=load_config(config_file, assignments).readings()[USERS.name]).rows
    _check_columns(rows, columns, f"the users of {data}", "which a slice is by")
    ids = rows["user_id"].to_pylist()
    return {name: dict(zip(ids, _texts(rows, name).tolist(), strict=True)) for name in columns}


def _check_columns(rows: pa.Table, columns: Iterable[str], whose: str, what: str) -> None:
    for name in columns:
        if name not in rows.column_names:
            raise InputError(
                f"{whose} have no column {name}, {what}; they have: {', '.join(rows.column_names)}"
            )


def _texts(rows: pa.Table, name: str) -> Any:
    told = rows[name].to_pylist() if name in rows.column_names else [None] * rows.num_rows
    return np.array(["" if one is None else str(one) for one in told], dtype=str)


def _numbers(rows: pa.Table, name: str, otherwise: float) -> Any:
    told = rows[name].to_pylist() if name in rows.column_names else [None] * rows.num_rows
    return np.array([otherwise if one is None else one for one in told], dtype=float)
