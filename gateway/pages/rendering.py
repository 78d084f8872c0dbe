"""Templates to answers: everything escaped, nothing loaded from elsewhere."""

from __future__ import annotations

import datetime
import functools
import pathlib
import urllib.parse
import zlib
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from aisle.gateway.pages.languages.language import Language, texts_of
from aisle.gateway.pages.watch import under_way

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # "no-referrer" would have browsers send forms as of no origin.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TONES = 12
"""Colours of the pictures that are drawn; the style sheet has one class for each."""


def page(
    request: Request, template: str, language: Language, view: dict[str, Any], status: int = 200
) -> HTMLResponse:
    """An answer: one of our templates in a language, filled with `view` and with what every page shows."""
    common = {"language": language, "path": request.url.path, "timing": under_way()}
    said = _environment(language.name).get_template(template).render(**view, **common)
    return HTMLResponse(said, status, {**HEADERS, "Vary": "Accept-Language"})


def tone(text: str) -> int:
    """A colour that is always the same text's."""
    return zlib.crc32(text.encode(errors="replace")) % TONES


def letters(text: str) -> str:
    """What stands for a picture: the first letters of a text's first two words."""
    words = ["".join(char for char in word if char.isalnum()) for word in text.split()]
    return "".join(word[0] for word in words if word)[:2].upper()


def quoted(text: str) -> str:
    """A text as one part of a path."""
    return urllib.parse.quote(text, safe="")


def clock(seconds: float) -> str:
    """A time of today or yesterday, in UTC, of seconds since 1970."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%H:%M:%S")


@functools.cache
def _environment(language: str) -> jinja2.Environment:
    """Of one of the languages there are."""
    environment: Any = jinja2.Environment(
        extensions=["jinja2.ext.i18n"],
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for shown in (tone, letters, quoted, clock):
        environment.filters[shown.__name__] = shown
    texts = texts_of(language)
    environment.install_gettext_callables(texts.gettext, texts.ngettext, newstyle=True)
    return environment  # type: ignore[no-any-return]
