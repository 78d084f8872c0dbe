"""Text that comes from data, made harmless inside a Markdown summary."""

from __future__ import annotations

import html
import re

from aisle.components.reports.page import visible

MAX_CHARACTERS = 300
_MARKUP = re.compile(r"([\\`*_{}\[\]()#!|~:$]|(?<=www)\.)", re.IGNORECASE)


def plain(text: object) -> str:
    """Returns text as Markdown shows it literally: one line, no markup, HTML, link or mention."""
    line = " ".join(str(visible(str(text))).split())
    if len(line) > MAX_CHARACTERS:
        line = line[: MAX_CHARACTERS - 1] + "…"
    escaped = html.escape(_MARKUP.sub(r"\\\1", line), quote=False)
    # A name behind an at sign would be called; the space of no width keeps it from that.
    return escaped.replace("@", "@\u200b")
