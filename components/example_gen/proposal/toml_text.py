"""A configuration as TOML, for people to read and to change."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from aisle.components.example_gen.proposal.proposal import Proposed, merged_settings
from aisle.schema.events import names


def toml_text(proposed: Sequence[Proposed]) -> str:
    """The settings that read the proposed tables, with what a person should look at as comments."""
    settings = merged_settings(proposed)
    blocks = []
    for table, columns in settings.get("columns", {}).items():
        blocks.append(f"[columns.{table}]\n" + _pairs(columns))
    blocks.append("[reading]\n" + _pairs(settings["reading"]))
    for table, columns in settings.get("values", {}).items():
        for column, texts in columns.items():
            blocks.append(
                f"# No numbers: a row that has one of these has no {column}.\n[values.{table}.{column}]\n"
                + _pairs(texts)
            )
    unknown = [name for one in proposed for name in one.unknown]
    if unknown:
        lines = "".join(f'# {_text(name)} = "click"\n' for name in unknown[:20])
        kinds = ", ".join(names())
        blocks.append(
            f"# Names of events that aren't known: say what each means ({kinds}).\n[values.events.event]\n{lines}"
        )
    return (
        "# How the files are read, proposed by `aisle init`; look it over, and change what is wrong.\n\n"
        + "\n".join(blocks)
    )


def _pairs(values: Mapping[str, Any]) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, str):
        return _text(value)
    return _text(value[0]) if len(value) == 1 else "[" + ", ".join(_text(one) for one in value) + "]"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    """A basic string; JSON's escapes are TOML's, but for the surrogate pairs that aren't written here."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
