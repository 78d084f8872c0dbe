"""Templates to pages: everything escaped, nothing loaded from elsewhere."""

from __future__ import annotations

import functools
import importlib.resources
import math
import re
import unicodedata
from typing import Any

import jinja2
import markupsafe

_PACKAGE = "aisle.components.reports"
_LINE_BREAKS = "\n\t"


def render(template: str, view: dict[str, Any]) -> str:
    """Returns a page: one of our templates, filled with `view`, style sheet inside."""
    return _environment().get_template(template).render(**view)


def visible(value: Any) -> Any:
    """Returns text with every control, override and unassigned character as U+FFFD; other values as they are.

    A NUL would end a page early, and a right-to-left override would turn the words around it.
    """
    if not isinstance(value, str) or isinstance(value, markupsafe.Markup):
        return value
    return "".join(c if c in _LINE_BREAKS or _is_shown(c) else "\ufffd" for c in value)


def number(value: Any, digits: int = 4) -> str:
    """Formats a number for reading: thousands apart, a fraction with `digits` digits, "–" for none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e15)
        return f"{value:,.0f}" if whole else f"{value:,.{digits}f}"
    return str(value)


def share(value: float | None) -> str:
    """Formats a share from 0 to 1 as per cent, never rounding a small one to none."""
    if value is None or math.isnan(value):
        return "–"
    per_cent = 100 * value
    if 0 < per_cent < 0.1:
        return "< 0.1 %"
    digits = 0 if per_cent == round(per_cent) or per_cent >= 99.95 else 1
    return f"{per_cent:.{digits}f} %"


def counted(count: int, noun: str) -> str:
    """Returns a count with its noun, plural where it must be: `1 error`, `2 errors`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def measured(value: Any, unit: str) -> str:
    """Formats a measured value or a threshold by its unit."""
    if unit == "share" and isinstance(value, (int, float)):
        return share(value)
    if unit == "rows" and isinstance(value, int):
        return counted(value, "row")
    return number(value)


def _is_shown(character: str) -> bool:
    # Joiners make up emoji and some scripts' letters: they are format characters that must stay.
    return character in "\u200c\u200d" or not unicodedata.category(character).startswith("C")


def _style() -> markupsafe.Markup:
    text = importlib.resources.files(_PACKAGE).joinpath("style.css").read_text(encoding="utf-8")
    return markupsafe.Markup(re.sub(r"\n\s*", "\n", text))


@functools.lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )
    environment.filters.update(number=number, share=share, measured=measured, counted=counted)
    environment.globals["style"] = _style()
    return environment


def _source(name: str) -> str:
    return importlib.resources.files(_PACKAGE).joinpath(name).read_text(encoding="utf-8")
