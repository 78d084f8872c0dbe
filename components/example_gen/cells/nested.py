"""Columns within columns, by paths: the items of an order, the parameters of an event.

A path is `geo.country` (a field of a struct), `items[].item_id` (a field of each struct of a list: the row becomes one for
each) or `event_params[ga_session_id]` (the value beside a key, as GA4's export has them). A list in a cell of text is JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

_PATH = re.compile(r"(?P<root>[^.\[\]]+)(?:\[\]\.(?P<of_each>.+)|\[(?P<key>[^\]]+)\]|\.(?P<field>.+))")
_ROW = "\0row"


def root_of(path: str) -> str | None:
    """The column that a path begins with, None for what is no path."""
    match = _PATH.fullmatch(path)
    return match["root"] if match else None


def paths_in(wanted: Iterable[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Those of the wanted headers that are paths into columns of a file, and no header themselves."""
    return tuple(path for path in dict.fromkeys(wanted) if path not in columns and root_of(path) in columns)


def flattened(cells: pa.Table, paths: Sequence[str]) -> tuple[pa.Table, NDArray[np.int64]]:
    """Adds a column for each path.

    Args:
        cells: [n] by the file's headers.
        paths: into some of them; what isn't there is null.

    Returns:
        [m] the cells without the columns that paths begin with, and which of the n rows each is of: m is larger where
        lists have several entries.
    """
    if not paths:
        return cells, np.arange(cells.num_rows)
    roots = list(dict.fromkeys(str(root_of(path)) for path in paths))
    frame = pl.DataFrame(pl.from_arrow(cells.select(roots))).with_row_index(_ROW)
    listed = [path for path in paths if "[]." in path]
    for root in dict.fromkeys(str(root_of(path)) for path in listed):
        frame = _exploded(frame, root, [path for path in listed if root_of(path) == root])
    rows = frame[_ROW].to_numpy().astype(np.int64)
    whole = cells.take(pa.array(rows)).drop(roots)
    for path in paths:
        whole = whole.append_column(path, _column(frame, path))
    return whole, rows


def _exploded(frame: pl.DataFrame, root: str, paths: Sequence[str]) -> pl.DataFrame:
    """A row for each entry of a list; one, of nothing, where there is none."""
    if frame.schema[root] == pl.String:
        fields = [path.partition("[].")[2] for path in paths]
        frame = frame.with_columns(_decoded(frame[root], fields))
    if not isinstance(frame.schema[root], pl.List):
        return frame.with_columns(pl.lit(None).alias(root))
    return frame.with_columns(pl.when(pl.col(root).list.len() > 0).then(pl.col(root))).explode(root)


def _decoded(cells: pl.Series, fields: Sequence[str]) -> pl.Series:
    """Lists in JSON as lists of structs of text; a cell that is none is null."""
    type_ = pl.List(pl.Struct(dict.fromkeys(fields, pl.String)))
    try:
        return cells.str.json_decode(type_)
    except pl.exceptions.ComputeError:
        valid = pl.Series([cell if _is_list(cell) else None for cell in cells.to_list()], dtype=pl.String)
        return valid.str.json_decode(type_).alias(cells.name)


def _is_list(cell: str | None) -> bool:
    try:
        entries = json.loads(cell or "null")
    except ValueError:
        return False
    return isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)


def _column(frame: pl.DataFrame, path: str) -> pa.ChunkedArray:
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError(f"{path!r} is no path")
    root, field = match["root"], match["of_each"] or match["field"]
    if field:
        names = getattr(frame.schema[root], "fields", ())
        there = any(one.name == field for one in names)
        return _arrow(frame[root].struct.field(field) if there else pl.repeat(None, len(frame), eager=True))
    return _arrow(_beside_key(frame, root, match["key"]))


def _beside_key(frame: pl.DataFrame, root: str, key: str) -> pl.Series:
    """The value beside a key in a list of pairs; whichever of the value's kinds is filled, as text."""
    nothing = pl.repeat(None, len(frame), dtype=pl.String, eager=True)
    if not isinstance(frame.schema[root], pl.List):
        return nothing
    first = frame.unique(_ROW, keep="first", maintain_order=True).select(_ROW, root)
    pairs = first.explode(root).drop_nulls(root).unnest(root)
    if not {"key", "value"} <= set(pairs.columns):
        return nothing
    value = pl.col("value")
    if isinstance(pairs.schema["value"], pl.Struct):
        kinds = [field.name for field in pairs.schema["value"].fields]
        value = pl.coalesce(pl.col("value").struct.field(kind).cast(pl.String) for kind in kinds)
    found = pairs.filter(pl.col("key") == key).select(_ROW, value.cast(pl.String).alias("value"))
    found = found.unique(_ROW, keep="first", maintain_order=True)
    return frame.select(_ROW).join(found, on=_ROW, how="left", maintain_order="left")["value"]


def _arrow(series: pl.Series) -> pa.ChunkedArray:
    array = series.to_arrow()
    text = pa.types.is_large_string(array.type) or str(array.type) == "string_view"
    return pa.chunked_array([array.cast(pa.string()) if text else array])
