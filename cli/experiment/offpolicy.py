"""`aisle experiment offpolicy`: what another policy would have earned, by the log of the one that ran."""

from __future__ import annotations

import json
import pathlib
from typing import TYPE_CHECKING, Any

import click

from aisle.cli.experiment.options import JSON, print_table
from aisle.cli.finite import FiniteRange
from aisle.schema.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from aisle.experiments.off_policy import Judged
    from aisle.experiments.statistics.sample import Floats


@click.command()
@click.argument("log", type=click.Path())
@click.option("--reward", default="reward", show_default=True, help="The column of what came of a row, such as its clicks.")  # fmt: skip
@click.option("--logged", default="propensity", show_default=True, help="The column of the chance with which the policy that ran chose what it showed.")  # fmt: skip
@click.option("--target", default="target", show_default=True, help="The column of the chance with which the other policy would have chosen the same.")  # fmt: skip
@click.option("--unit", help="The column of whose a row is, such as user_id: a user's rows aren't independent.  [default: each row its own]")  # fmt: skip
@click.option("--foreseen", help="The column of a model's reward of what was shown, learnt from other rows; with --expected: doubly robust.")  # fmt: skip
@click.option("--expected", help="The column of that model's reward of what the other policy would have shown, over its choices.")  # fmt: skip
@click.option("--least", type=FiniteRange(min=2), default=100.0, show_default=True, help="The rows of the other policy that the log must be worth.")  # fmt: skip
@JSON
def offpolicy(
    log: str, reward: str, logged: str, target: str, unit: str | None, foreseen: str | None, expected: str | None, least: float, as_json: bool
) -> None:  # fmt: skip
    """Say what a policy would have earned by LOG, a CSV or Parquet file of a row a choice; ends with 3 where that can't tell."""
    from aisle.experiments.off_policy import Log, doubly_robust, ips, snips

    if (foreseen is None) != (expected is None):
        raise InputError("--foreseen and --expected are of one model; give both or neither")
    named = [reward, logged, target, *(name for name in (foreseen, expected) if name)]
    columns, whose = _read(log, named, unit)
    rows = Log(columns[reward], columns[logged], columns[target], whose)
    found = {"IPS": ips(rows, least), "SNIPS": snips(rows, least)}
    if foreseen and expected:
        found["doubly robust"] = doubly_robust(rows, columns[foreseen], columns[expected], least)
    own = float(rows.rewards.mean())
    if as_json:
        said = {name: _told(one) for name, one in found.items()}
        click.echo(json.dumps({"rows": len(rows.rewards), "effective": rows.effective, "own": own, **said}))
        return
    click.echo(
        f"{len(rows.rewards):,} rows, worth {rows.effective:,.1f} of the other policy; the policy that ran earned {own:.4g} a row\n"
    )
    intervals = {name: one.interval() for name, one in found.items()}
    print_table(
        ("by", "a row", "95 % interval"),
        (
            (name, f"{one.value.value:.4g}", "{:.4g} to {:.4g}".format(*intervals[name]))
            for name, one in found.items()
        ),
    )


def _told(judged: Judged) -> dict[str, object]:
    return {"value": judged.value.value, "interval": list(judged.interval())}


def _read(
    path: str, columns: list[str], unit: str | None
) -> tuple[dict[str, Floats], npt.NDArray[Any] | None]:
    """Columns of numbers, and that of the units, as text, where it is named.

    Raises:
        InputError: the file can't be read, has no such column, or a cell of it is no number.
    """
    import polars as pl

    try:
        table = pl.read_parquet(path) if pathlib.Path(path).suffix == ".parquet" else pl.read_csv(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path} can't be read: {' '.join(str(error).split())}") from error
    if absent := [name for name in (*columns, unit) if name and name not in table.columns]:
        raise InputError(
            f"{path} has no column {absent[0]}; name one by its option; it has: {', '.join(table.columns)}"
        )
    found = table.select(pl.col(columns).cast(pl.Float64, strict=False))
    for name in columns:
        if empty := found[name].null_count():
            raise InputError(
                f"{path}: {empty:,} of {len(found):,} cells of {name} hold no number; mend them, or take the rows out"
            )
    whose = table[unit].cast(pl.String).fill_null("").to_numpy().astype(str) if unit else None
    return {name: found[name].to_numpy() for name in columns}, whose
