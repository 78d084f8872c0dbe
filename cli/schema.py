"""`aisle schema`: curate what a table must keep to, from what was seen."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from aisle.cli.quiet import quieten_tensorflow
from aisle.cli.run import CONFIG, SET

if TYPE_CHECKING:
    from aisle.components.anomaly_gate.evidence import Finding
    from aisle.components.curated_schema.folder import TableDifference
    from aisle.components.example_gen.options import TableReading

MAX_VALUES = 10
"""Values of a column that a line lists."""

_DATA = click.argument("data", type=click.Path())
_SCHEMA = click.option(
    "--schema", "folder", required=True, type=click.Path(), help="Folder of the schemas, TABLE.pbtxt each."
)


@click.group()
def schema() -> None:
    """Curate the tables' schemas: a change is a command, and a small diff to review.

    `aisle run DATA --set data.schema_dir=DIR` holds the tables against them.
    """


@schema.command()
@_DATA
@_SCHEMA
@click.option("--overwrite", is_flag=True, help="Replace schemas that are there.")
@CONFIG
@SET
def infer(
    data: str, folder: str, overwrite: bool, config_file: str | None, assignments: tuple[str, ...]
) -> None:
    """Write a schema for each table in DATA, as strict as what it holds allows."""
    readings = _readings(config_file, assignments)
    for table, path in _folder().infer(data, folder, overwrite, readings).items():
        click.echo(f"{table}\t{path}")


@schema.command()
@_DATA
@_SCHEMA
@CONFIG
@SET
def diff(data: str, folder: str, config_file: str | None, assignments: tuple[str, ...]) -> None:
    """Say how the tables in DATA differ from their schemas; exit with 1 where one does.

    `+` is in the data alone, `-` in the schema alone, `!` is against what the schema says; the name at
    the end of a line is what `aisle schema accept` takes.
    """
    readings = _readings(config_file, assignments)
    found = _folder().differences(data, folder, readings)
    for difference in found:
        _print(difference)
    sys.exit(1 if any(difference.changes.findings for difference in found) else 0)


@schema.command()
@_DATA
@_SCHEMA
@CONFIG
@SET
@click.argument("names", nargs=-1)
def accept(
    data: str, folder: str, config_file: str | None, assignments: tuple[str, ...], names: tuple[str, ...]
) -> None:
    """Change the schemas so that they allow what DATA holds: all of it, or the differences NAMES."""
    readings = _readings(config_file, assignments)
    module = _folder()
    from aisle.components.curated_schema.changes import named

    found = module.differences(data, folder, readings)
    chosen = {f.name for f in named([f for d in found for f in d.changes.findings], names)}
    for difference in found:
        accepted = [finding for finding in difference.changes.findings if finding.name in chosen]
        if accepted:
            path = module.accept_into(folder, difference, accepted)
            for finding in accepted:
                click.echo(f"accepted {_shown(finding.name)}\t{path}")
    if not chosen:
        click.echo("nothing to accept: the tables keep to their schemas")


def _readings(config_file: str | None, assignments: tuple[str, ...]) -> dict[str, TableReading]:
    """How the tables are read: by the settings that `aisle run` takes."""
    from aisle.pipeline.config import load_config

    return load_config(config_file, assignments).readings()


def _folder() -> Any:
    quieten_tensorflow()
    click.echo("loading TensorFlow Data Validation (a few seconds)", err=True)
    from aisle.components.curated_schema import folder as schema_folder

    return schema_folder


def _print(difference: TableDifference) -> None:
    table, changes = difference.table, difference.changes
    click.echo(f"{table.name}: {'differs' if changes.findings else 'as its schema says'}")
    for finding in changes.findings:
        click.echo(f"  {_line(finding)}\t{_shown(finding.name)}")
    for column, values in changes.unseen.items():
        click.echo(f"    of {_shown(column)} not seen: {_listed(list(values))}")


def _line(finding: Finding) -> str:
    """Returns what a person wants to know of a difference, on one line."""
    column = _shown(finding.feature)
    if finding.kind == "SCHEMA_NEW_COLUMN":
        return f"+ column {column}"
    if finding.kind == "SCHEMA_MISSING_COLUMN":
        return f"- column {column}"
    if finding.kind == "SCHEMA_NEW_TABLE":
        return "+ table"
    if finding.contributors:
        return f"+ values of {column}: {_listed([c['value'] for c in finding.contributors])}"
    return f"! {column}: {_shown(finding.what)}"


def _listed(values: list[str]) -> str:
    more = f" and {len(values) - MAX_VALUES:,} more" if len(values) > MAX_VALUES else ""
    return ", ".join(_shown(json.dumps(v, ensure_ascii=False)) for v in values[:MAX_VALUES]) + more


def _shown(text: str) -> str:
    from aisle.components.reports.page import visible

    return str(visible(" ".join(text.split())))
