"""How a BERT wants to be read: the file `reading.json` of its folder."""

from __future__ import annotations

import pathlib
from typing import Literal

from aisle.schema.bert.weights import READING
from aisle.schema.errors import InputError
from aisle.schema.options import Options


class Reading(Options):
    """What a BERT was trained to be given, and what to take of its answer.

    Attributes:
        query: stands before the text of a query, and of what is compared word by word, such as `query: `.
        passage: stands before an item's text.
        lower_case: whether texts are brought to lower case first, as queries are in any case; a `vocab.txt` always
            is.
        pooling: a text's embedding is the mean of its pieces', or that of the `first`.
    """

    query: str = ""
    passage: str = ""
    lower_case: bool = False
    pooling: Literal["mean", "first"] = "mean"


def read_reading(folder: str) -> Reading:
    """Reads a folder's `reading.json`; where there is none, texts are read as they are.

    Raises:
        InputError: it is not JSON, or a name or a value is not one of Reading's.
    """
    path = pathlib.Path(folder) / READING
    if not path.is_file():
        return Reading()
    try:
        return Reading.from_json(path.read_text(encoding="utf-8"))
    except (InputError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from error
