"""Texts made alike, and texts and ids that are not what their column is for."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions


def normalise(ledger: Ledger, columns: tuple[str, ...]) -> None:
    """Brings text columns to one form; a text of nothing but white space becomes a missing one."""
    for column in columns:
        if column in ledger.rows.columns:
            reason = f"{column}: Unicode form, white space or control characters"
            ledger.change("normalise", reason, column, _normal(ledger.rows[column]))


def cut(ledger: Ledger, column: str, length: int) -> None:
    """Cuts texts to `length` characters: a title of a megabyte would cost every request that meets it."""
    if column in ledger.rows.columns:
        reason = f"{column}: cut to {length} characters"
        ledger.change("normalise", reason, column, ledger.rows[column].str.slice(0, length))


def no_product(ids: pl.Series, options: CleanerOptions) -> str:
    """Returns the pattern of ids that are no products, by the options and by this shop's own habit."""
    patterns = list(options.non_product)
    with_digits = ids.drop_nulls().str.contains(r"^[0-9]").mean()
    if isinstance(with_digits, float) and with_digits >= options.product_digits:
        patterns.append("[^0-9]*")
    return "^(?:" + "|".join(patterns or ["[^\\s\\S]"]) + ")$"


def is_stock_note(texts: pl.Series, capitals: bool, options: CleanerOptions) -> pl.Series:
    """Says which texts are notes that staff typed where a product's title belongs.

    A note has no letter in it ("?", "20713"), is one of the options' words, or, in a catalogue of
    capitals, has no word in capitals but one in small letters ("wet damaged"), or is a lone word that is
    not in capitals ("Found"). A missing text is no note.

    Args:
        texts: titles, or what invoice lines call their items.
        capitals: whether the catalogue is in capitals, see `in_capitals`.
        options: the notes' words.
    """
    distinct = texts.drop_nulls().unique()
    note = ~distinct.str.contains(r"\p{L}") | distinct.str.to_lowercase().is_in(list(options.stock_notes))
    if capitals:
        shouted = distinct.str.contains(r"\p{Lu}{2}")
        note = note | (~shouted & distinct.str.contains(r"(?:^|\s)\p{Ll}|^\S+$"))
    return texts.is_in(distinct.filter(note).to_list()).fill_null(False)


def in_capitals(titles: pl.Series, options: CleanerOptions) -> bool:
    """Says whether a catalogue writes its titles in capitals."""
    distinct = titles.drop_nulls().unique()
    share = (distinct.str.to_uppercase() == distinct).mean()
    return isinstance(share, float) and share >= options.uppercase_share


def _normal(texts: pl.Series) -> pl.Series:
    """NFC, no control characters, single spaces, none at the ends; each distinct text is treated once."""
    before = texts.drop_nulls().unique().alias("before")
    after = before.str.normalize("NFC").str.replace_all(r"[\p{Cc}\s]+", " ").str.strip_chars()
    changed = before != after
    if not changed.any():
        return texts
    return texts.replace(before.filter(changed), after.filter(changed)).replace("", None)
