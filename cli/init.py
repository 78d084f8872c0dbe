"""`aisle init`: look at a folder of exports, propose how they are read, and write it down."""

from __future__ import annotations

import pathlib
import shlex
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pyarrow as pa

    from aisle.components.example_gen.proposal.proposal import Proposed
    from aisle.components.example_gen.shard import Shard
    from aisle.pipeline.config import Config

ROWS = 10
"""Shown of each table, as they are read."""
_SHOWN = 8
"""Headers that are named of each table, of those that it has no use for."""
_WIDTH = 24
"""Characters of a cell that are shown."""


@click.command()
@click.argument("folder", type=click.Path())
@click.option(
    "--output", default="aisle.toml", show_default=True, type=click.Path(path_type=pathlib.Path), help="File to write."
)  # fmt: skip
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(folder: str, output: pathlib.Path, force: bool) -> None:
    """Look at the exports in FOLDER, propose which is which table, and write the settings that read them.

    The files may be of any tool (GA4, Segment, Shopify, WooCommerce, Google Merchant, … or the shop's own): headers, values
    and the forms of times and numbers are looked at. Ten rows of each table are shown as they will be read.
    """
    from aisle.components.example_gen.discovery import FORMATS, find_entries
    from aisle.components.example_gen.proposal.exports import exports
    from aisle.components.example_gen.proposal.proposal import merged_settings, propose
    from aisle.components.example_gen.proposal.toml_text import toml_text
    from aisle.pipeline.config import Config
    from aisle.schema.errors import InputError
    from aisle.schema.whole_files import whole_file

    if output.exists() and not force:
        raise InputError(f"{output} is there already; --force writes over it, --output names another file")
    found, unread = exports(folder)
    for name, why in unread.items():
        click.echo(f"not read: {name}: {why}", err=True)
    proposed = propose(found)
    if not proposed:
        held = (
            "; ".join(f"{one.pattern} has {', '.join(one.header[:12])}" for one in found[:5])
            or f"of {', '.join(find_entries(folder)[:8]) or 'nothing'} no file is read, which must end in {', '.join(FORMATS)} "
            "(or .gz, .zst) or .parquet"
        )
        raise InputError(
            f"nothing in {folder} looks like a table of a shop: {held}. Name the columns in [columns] of a TOML file "
            "yourself; docs/tables.md shows how"
        )
    config = Config.read(merged_settings(proposed))
    for one in proposed:
        _show(folder, one, config)
    used = {export.pattern for one in proposed for export in one.exports}
    for export in found:
        if export.pattern not in used:
            click.echo(f"not used: {export.pattern} ({', '.join(export.header[:8])})")
    with whole_file(output) as partial:
        partial.write_text(toml_text(proposed), encoding="utf-8")
    click.echo(
        f"wrote {output}; run with: aisle run {shlex.quote(folder)} --config {shlex.quote(str(output))}"
    )
    _say_missing({one.table for one in proposed})


def _say_missing(tables: set[str]) -> None:
    if "items" not in tables:
        click.echo("no file looks like items (an id and a title for each): a run needs them", err=True)
    if not {"events", "judgements"} & tables:
        click.echo("no file looks like events or judgements: a run needs one of them", err=True)


def _show(folder: str, one: Proposed, config: Config) -> None:
    """Prints where a table comes from, what each column is, and its first rows as they are read."""
    from aisle.components.example_gen.proposal.exports import FIRST_BYTES
    from aisle.components.example_gen.reader import read_shards
    from aisle.schema.tables import TABLE_BY_NAME

    files = ", ".join(export.pattern for export in one.exports)
    encoding = f", encoded as {one.exports[0].encoding}" if one.exports[0].encoding else ""
    preset = f", an export of {one.preset}" if one.preset else ""
    click.secho(f"{one.table}: {files}{preset}{encoding}", bold=True)
    for ours, theirs in one.columns.items():
        form = one.timestamps.get(ours) or one.numbers.get(ours)
        click.echo(f"  {ours} is {theirs}" + (f", written as {form}" if form else ""))
    for ours, value in one.constants.items():
        click.echo(f"  {ours} is always {value}")
    for ours, texts in one.missing.items():
        click.echo(f"  {ours} is missing where it says {', '.join(texts[:_SHOWN])}")
    # Of a preset, which columns it reads is not known here.
    rest = [] if one.preset else [name for name in one.exports[0].header if name not in one.columns.values()]
    if rest:
        more = ", …" if len(rest) > _SHOWN else ""
        click.echo(f"  of no column of ours: {', '.join(rest[:_SHOWN])}{more}")
    if one.unknown:
        click.echo(f"  events that aren't known, to be mapped in the file: {', '.join(one.unknown[:10])}")
    table = TABLE_BY_NAME[one.table]
    shard = next(read_shards(folder, table, FIRST_BYTES, config.readings()[one.table]), None)
    if shard is not None:
        _print_rows(shard.rows.select([name for name in shard.rows.column_names if table.column(name)]))
        _print_lost(shard)


def _print_rows(rows: pa.Table) -> None:
    import polars as pl
    import rich.box
    import rich.console
    import rich.table
    import rich.text

    from aisle.components.reports.page import visible
    from aisle.schema.tables import TABLES, Kind

    frame = pl.DataFrame(pl.from_arrow(rows.slice(0, ROWS)))
    known = {column.name for table in TABLES for column in table.columns if column.kind is Kind.TIMESTAMP}
    times = [name for name in frame.columns if name in known and frame.schema[name] == pl.Int64]
    frame = frame.with_columns(pl.col(times).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d %H:%M:%S"))
    table = rich.table.Table(box=rich.box.SIMPLE)
    for name in frame.columns:
        table.add_column(rich.text.Text(name), no_wrap=True)
    for row in frame.rows():
        cells = ("" if cell is None else str(visible(" ".join(str(cell).split()))) for cell in row)
        table.add_row(
            *(rich.text.Text(cell if len(cell) <= _WIDTH else cell[: _WIDTH - 1] + "…") for cell in cells)
        )
    rich.console.Console(width=len(frame.columns) * (2 * _WIDTH + 4)).print(table)


def _print_lost(shard: Shard) -> None:
    lost = shard.quarantine
    if not lost.num_rows:
        return
    first = lost.slice(0, 1).to_pylist()[0]
    click.echo(
        f"  {lost.num_rows:,} of the first {shard.rows.num_rows + lost.num_rows:,} rows can't be read; first, "
        f"{first['file']}, line {first['line']}: {first['column'] or 'the row'}: {first['reason']}"
    )
