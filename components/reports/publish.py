"""Puts a report into a folder: NAME.json, NAME.html and NAME.md, each whole or not at all."""

from __future__ import annotations

import json
import math
import os
from typing import Any

from aisle.components.storage import make_folder, write_whole


def publish(name: str, report: dict[str, Any], page: str, folder: str, summary: str = "") -> str:
    """Writes the forms of a report, replacing earlier ones.

    Args:
        name: the files' name without an ending.
        report: what the JSON file holds; NaN and infinities become null, which JSON has no word for.
        page: the HTML.
        folder: local, or the URI of a remote folder.
        summary: Markdown for a pull request or a chat; none is written where it is empty.

    Returns:
        The path of the HTML file.
    """
    make_folder(folder)
    _write(os.path.join(folder, f"{name}.json"), as_json(report))
    if summary:
        _write(os.path.join(folder, f"{name}.md"), summary)
    path = os.path.join(folder, f"{name}.html")
    _write(path, page)
    return path


def as_json(report: dict[str, Any]) -> str:
    """Returns the text of a report's JSON file; NaN and infinities become null."""
    return json.dumps(_finite(report), indent=2, ensure_ascii=False, allow_nan=False)


def _write(path: str, text: str) -> None:
    # A lone surrogate, which a broken file name can hold, has no place in UTF-8.
    write_whole(path, text.encode("utf-8", errors="replace"))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
