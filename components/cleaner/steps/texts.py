"""Texts made alike: one Unicode form, one kind of space, no markup, no marks that nobody sees."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

import polars as pl

from aisle.components.cleaner.ledger import Ledger

_HIDDEN = r"(?is)<(?:script|style)\b.*?</(?:script|style)\s*>"
_TAG = (
    r"(?i)</?(?:a|b|body|br|button|center|div|em|embed|font|form|h[1-6]|hr|html|i|iframe|img|input|li|link|meta|"
    r"object|ol|p|script|small|span|strong|style|sub|sup|svg|table|td|th|tr|u|ul)\b[^<>]*>"
)
"""Only names that HTML has: a title may well say `<3` or `size <M>`."""
_ENTITY = r"&(?:[A-Za-z]{2,8}|#[0-9]{2,6});"
_UNSEEN = "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufff9-\ufffb]"
"""Marks of no width and of direction. The joiners U+200C and U+200D stay: Persian, Hindi and emoji need them."""


def normalise(ledger: Ledger, columns: tuple[str, ...]) -> None:
    """Brings text columns to one form; a text of nothing but white space becomes a missing one."""
    for column in columns:
        if column in ledger.rows.columns:
            reason = f"{column}: Unicode form, white space or control characters"
            ledger.change("normalise", reason, column, normal(ledger.rows[column]))


def cut(ledger: Ledger, column: str, length: int) -> None:
    """Cuts texts to `length` characters: a title of a megabyte would cost every request that meets it."""
    if column in ledger.rows.columns:
        reason = f"{column}: cut to {length} characters"
        ledger.change("normalise", reason, column, ledger.rows[column].str.slice(0, length))


def strip_markup(ledger: Ledger, columns: tuple[str, ...]) -> None:
    """Takes HTML out of text columns: tags, scripts with what is in them, and entities such as `&amp;`."""
    for column in columns:
        if column in ledger.rows.columns:
            ledger.change("normalise", f"{column}: markup", column, _without_markup(ledger.rows[column]))


def unify_units(ledger: Ledger, columns: tuple[str, ...], units: Mapping[str, str]) -> None:
    """Writes measures one way, as `500 g` for `500G` or `500 gr`, by the spellings of each unit."""
    for column in columns if units else ():
        if column in ledger.rows.columns:
            unified = _with_units(ledger.rows[column], units)
            ledger.change("normalise", f"{column}: units", column, unified)


def _with_units(texts: pl.Series, units: Mapping[str, str]) -> pl.Series:
    """Each distinct text is treated once; the longest spelling that fits counts."""
    before = texts.drop_nulls().unique().alias("before")
    after = before
    for spelling in sorted(units, key=len, reverse=True):
        measure = rf"(?i)(\d)\s*{re.escape(spelling)}\b"
        after = after.str.replace_all(measure, f"${{1}} {units[spelling]}")
    changed = before != after
    return texts.replace(before.filter(changed), after.filter(changed)) if changed.any() else texts


def _without_markup(texts: pl.Series) -> pl.Series:
    """Each distinct text is treated once; a text of nothing but markup stays, so that no title is lost."""
    marked = texts.drop_nulls().unique().alias("before")
    marked = marked.filter(marked.str.contains(_TAG) | marked.str.contains(_ENTITY))
    if marked.is_empty():
        return texts
    bare = marked.str.replace_all(_HIDDEN, " ").str.replace_all(_TAG, " ")
    # Few texts hold an entity, and the standard library knows all of them.
    bare = pl.Series([html.unescape(text) for text in bare], dtype=pl.String)
    bare = bare.str.replace_all(r"[\p{Cc}\s]+", " ").str.strip_chars()
    some = bare != ""
    return texts.replace(marked.filter(some), bare.filter(some))


def normal(texts: pl.Series) -> pl.Series:
    """Returns texts in one form: NFC, nothing that nobody sees, single spaces, none at the ends; each distinct text is treated once.

    Marks stay with their letters in every script, and so do full-width forms: a title is shown as it was written.
    """
    before = texts.drop_nulls().unique().alias("before")
    after = before.str.normalize("NFC").str.replace_all(_UNSEEN, "")
    after = after.str.replace_all(r"[\p{Cc}\s]+", " ").str.strip_chars()
    changed = before != after
    if not changed.any():
        return texts
    return texts.replace(before.filter(changed), after.filter(changed)).replace("", None)
