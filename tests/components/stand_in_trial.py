"""Stands for the model's function that tries another shop's encoder."""

from __future__ import annotations

import json
import pathlib
from typing import Any

WON = [{"part": "encoder", "on": True}]


def choose(theirs: str, why: str, own: str, tables: dict[str, Any], most_unread: float, folder: str) -> None:
    """Writes what it is told, and a BERT that won where there is one to try."""
    place = pathlib.Path(folder)
    told = [theirs, why, own, most_unread, tables["judgements"].num_rows]
    (place / "told.json").write_text(json.dumps(told), encoding="utf-8")
    if theirs:
        (place / "config.json").write_text("{}", encoding="utf-8")
        (place / "assets.extra").mkdir()
        (place / "assets.extra" / "transfer.json").write_text(json.dumps(WON), encoding="utf-8")
