"""What the reader may be told: a shop's own names and values, and the forms of its cells."""

from __future__ import annotations

import codecs
import importlib.resources
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

import pydantic
import tomli

from aisle.schema.options import Options
from aisle.schema.tables import TABLE_BY_NAME, Kind

PresetName = Literal["ga4", "google-merchant", "retailrocket", "segment", "shopify", "woocommerce"]
PRESETS: tuple[str, ...] = get_args(PresetName)
UNITS = ("seconds", "milliseconds", "microseconds", "nanoseconds")
"""Of a clock that counts since 1970-01-01, UTC."""
NumberForm = Literal["point", "comma"]
"""The decimal mark: thousands are parted by the other one, a blank or an apostrophe, and a currency may stand beside."""


def _headers(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _time_form(text: str) -> str:
    if text not in UNITS and not re.search("%[a-zA-Z]", text):
        raise ValueError(f"expected {', '.join(UNITS)}, or a form such as %d/%m/%Y %H:%M")
    return text


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError as error:
        raise ValueError(
            "expected an encoding that Python knows, such as gb18030, utf-16 or cp1252"
        ) from error
    return "" if codecs.lookup(name).name == "utf-8" else name


def _declared(name: str) -> str:
    table, _, column = name.partition(".")
    if table not in TABLE_BY_NAME or TABLE_BY_NAME[table].column(column) is None:
        raise ValueError(f"expected TABLE.COLUMN of ours, such as events.timestamp, got {name!r}")
    return name


Headers = Annotated[tuple[str, ...], pydantic.BeforeValidator(_headers)]
"""A header, or several of which a file has one or more."""
TimeForm = Annotated[str, pydantic.AfterValidator(_time_form)]
Encoding = Annotated[str, pydantic.AfterValidator(_encoding)]
Declared = Annotated[str, pydantic.AfterValidator(_declared)]
"""`table.column` of the canonical tables."""
TableName = Literal["items", "users", "events", "judgements", "stock", "supply", "campaigns"]


class ColumnsOptions(Options):
    """The headers of a shop's files, a table each: our column, and the header, or several, of which a row's first filled one
    is taken. A header may be a path into a column of lists or structs: `items[].item_id`, `geo.country`, `params[page]`.
    """

    items: dict[str, Headers] = {}
    users: dict[str, Headers] = {}
    events: dict[str, Headers] = {}
    judgements: dict[str, Headers] = {}
    stock: dict[str, Headers] = {}
    supply: dict[str, Headers] = {}
    campaigns: dict[str, Headers] = {}


class ValuesOptions(Options):
    """The values of a shop's files, a table each: our column, and by the shop's value ours ("" for missing)."""

    items: dict[str, dict[str, str]] = {}
    users: dict[str, dict[str, str]] = {}
    events: dict[str, dict[str, str]] = {}
    judgements: dict[str, dict[str, str]] = {}
    stock: dict[str, dict[str, str]] = {}
    supply: dict[str, dict[str, str]] = {}
    campaigns: dict[str, dict[str, str]] = {}


class ReadingOptions(Options):
    """How a shop's files are read.

    Attributes:
        preset: whose export the files are, of all tables or by table.
        files: by table, the file, the folder or a pattern such as `orders_*.csv` in the data folder; without, the
            table's own name. Files that several patterns find may differ in their columns.
        encodings: by table, the encoding of CSV files, such as `gb18030` or `cp1252`; without, UTF-8, or UTF-16 where the
            file's byte-order mark says so.
        constants: by `table.column`, what every row has there, such as `{"events.event" = "purchase"}`.
        timestamps: by column, `seconds`, `milliseconds`, `microseconds` or `nanoseconds` since 1970, or a form such as
            `%d/%m/%Y %H:%M`; without, ISO 8601.
        numbers: by column, the decimal mark, `point` or `comma`, where thousands are parted or a currency stands
            beside the number (`1.234,56`, `3.00 USD`).
        missing: cells that mean a missing value in any column.
        missing_beside_text: the same in columns of ids, numbers and times, where they can't be a name.
        skip: by table, rows that are none of it: by header, the values that tell them ("" for an empty cell).
        filled_down: by table, the header that the rows of one thing share: what is empty in the second is as in the first.
        extras: whether columns that aren't ours pass through; without, they do unless a preset knows the table.
    """

    preset: PresetName | dict[TableName, PresetName] | None = None
    files: dict[TableName, Headers] = {}
    encodings: dict[TableName, Encoding] = {}
    constants: dict[Declared, str] = {}
    timestamps: dict[Declared, TimeForm] = {}
    numbers: dict[Declared, NumberForm] = {}
    missing: tuple[str, ...] = ("\\N", "NULL")
    missing_beside_text: tuple[str, ...] = ("null", "None", "nan", "NaN", "<NA>", "undefined", "(not set)")
    skip: dict[TableName, dict[str, tuple[str, ...]]] = {}
    filled_down: dict[TableName, str] = {}
    extras: bool | None = None

    @pydantic.field_validator("timestamps", "numbers")
    @classmethod
    def _of_that_kind(cls, forms: dict[str, str], info: pydantic.ValidationInfo) -> dict[str, str]:
        wanted = (Kind.TIMESTAMP,) if info.field_name == "timestamps" else (Kind.NUMBER, Kind.INTEGER)
        for name in forms:
            table, _, column = name.partition(".")
            declared = TABLE_BY_NAME[table].column(column)
            if declared is not None and declared.kind not in wanted:
                raise ValueError(f"{name} is a {declared.kind.value}, no {wanted[0].value}")
        return forms


class TableReading(Options):
    """What the settings come to for one table; what is not said here is said of `ReadingOptions`.

    Attributes:
        columns: by our column, the headers that may hold it, of which a file must have one.
        usual: the same of a preset, of which a file may have none.
        values: by our column, the shop's values and ours.
        usual_files: the files of a preset, where the table isn't there by its own name.
        encoding: "" for UTF-8.
    """

    files: tuple[str, ...] = ()
    usual_files: tuple[str, ...] = ()
    columns: dict[str, tuple[str, ...]] = {}
    usual: dict[str, tuple[str, ...]] = {}
    values: dict[str, dict[str, str]] = {}
    constants: dict[str, str] = {}
    timestamps: dict[str, str] = {}
    numbers: dict[str, str] = {}
    missing: tuple[str, ...] = ReadingOptions().missing
    missing_beside_text: tuple[str, ...] = ReadingOptions().missing_beside_text
    skip: dict[str, tuple[str, ...]] = {}
    filled_down: str = ""
    extras: bool = True
    encoding: str = ""


class Preset(Options):
    """What a named export needs: the same sections as a shop's own settings, and headers of which any tells the export."""

    telling: tuple[str, ...] = ()
    columns: ColumnsOptions = ColumnsOptions()
    values: ValuesOptions = ValuesOptions()
    reading: ReadingOptions = ReadingOptions()


def read_preset(name: str) -> Preset:
    """Reads the preset of that name."""
    folder = importlib.resources.files("aisle.components.example_gen") / "presets"
    return Preset.read(tomli.loads((folder / f"{name}.toml").read_text(encoding="utf-8")))


def table_reading(
    table: str, columns: ColumnsOptions, values: ValuesOptions, reading: ReadingOptions
) -> TableReading:
    """How a table is read by the settings, over those of its preset where it has one."""
    name = reading.preset.get(table) if isinstance(reading.preset, dict) else reading.preset  # type: ignore[call-overload]
    preset = read_preset(name) if name else Preset()
    usual: dict[str, tuple[str, ...]] = getattr(preset.columns, table)
    theirs: dict[str, dict[str, str]] = getattr(preset.values, table)
    ours: dict[str, dict[str, str]] = getattr(values, table)
    layers = (preset.reading, reading)
    own: dict[str, tuple[str, ...]] = getattr(columns, table)
    constants = _merged(layers, "constants", table)
    return TableReading(
        files=reading.files.get(table, ()),  # type: ignore[call-overload]
        usual_files=preset.reading.files.get(table, ()),  # type: ignore[call-overload]
        columns=own,
        usual={column: headers for column, headers in usual.items() if column not in own},
        values={column: theirs.get(column, {}) | ours.get(column, {}) for column in {**theirs, **ours}},
        # A header of the shop's own goes over a preset's constant.
        constants={column: value for column, value in constants.items() if column not in own},
        timestamps=_merged(layers, "timestamps", table),
        numbers=_merged(layers, "numbers", table),
        missing=reading.missing,
        missing_beside_text=reading.missing_beside_text,
        skip=_of_table(layers, "skip", table, {}),
        filled_down=_of_table(layers, "filled_down", table, ""),
        extras=reading.extras if reading.extras is not None else not usual,
        encoding=reading.encodings.get(table, ""),  # type: ignore[call-overload]
    )


def how_to_say(setting: str, table: str, column: str, value: str) -> str:
    """How a column's form is given on the command line."""
    return f'--set \'reading.{setting}={{"{table}.{column}": "{value}"}}\''


def _merged(layers: tuple[ReadingOptions, ...], field: str, table: str) -> dict[str, str]:
    return {column: value for layer in layers for column, value in _columns_of(getattr(layer, field), table)}


def _columns_of(by_name: Mapping[str, str], table: str) -> Iterator[tuple[str, str]]:
    for name, value in by_name.items():
        of, _, column = name.partition(".")
        if of == table:
            yield column, value


def _of_table(layers: tuple[ReadingOptions, ...], field: str, table: str, default: Any) -> Any:
    for layer in reversed(layers):
        if table in getattr(layer, field):
            return getattr(layer, field)[table]
    return default
