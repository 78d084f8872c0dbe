"""Reads a public data set's CSV files as text, naming what is missing or malformed."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import polars as pl

from aisle.schema.errors import InputError


def source_files(src: pathlib.Path, suffix: str) -> list[pathlib.Path]:
    """Returns `src` itself where it is a file, else the folder's `*suffix` files by name.

    Raises:
        InputError: if nothing is there.
    """
    if src.is_file():
        return [src]
    if not src.is_dir():
        raise InputError(f"{src} doesn't exist; expected a {suffix} file or a folder of them")
    files = sorted(path for path in src.glob(f"*{suffix}") if path.is_file())
    if not files:
        raise InputError(f"{src} holds no {suffix} file")
    return files


def read_text_csv(path: pathlib.Path, columns: Sequence[str]) -> pl.DataFrame:
    """Returns the file's rows with every cell as text; an empty cell is null.

    Args:
        path: a CSV file in UTF-8 with a header.
        columns: the headers it must have; others are dropped.

    Raises:
        InputError: if the file can't be read as such, or lacks a column.
    """
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.NoDataError as error:
        raise InputError(f"{path} is empty; expected a CSV file with {','.join(columns)}") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = next(iter(str(error).splitlines()), "unreadable")
        raise InputError(f"{path} is not a CSV file in UTF-8: {reason}") from error
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InputError(f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(frame.columns)}")
    return frame.select(columns)
