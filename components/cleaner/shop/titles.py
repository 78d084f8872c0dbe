"""What a shop's titles look like: whether they are in capitals, and which look like notes of its staff."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.options import CleanerOptions


def looks_like_note(texts: pl.Series, capitals: bool, options: CleanerOptions) -> pl.Series:
    """Says which texts look like notes that staff typed where a product's title belongs.

    Such a text has no letter in it ("?", "20713"), is one of the options' words, or, in a catalogue of
    capitals, has no word in capitals but one in small letters ("wet damaged"), or is a lone word that is
    not in capitals ("Found"). In a script without capitals no text is judged by them. A missing text is none.

    Args:
        texts: titles, or what invoice lines call their items.
        capitals: whether the catalogue is in capitals, see `in_capitals`.
        options: the notes' words.
    """
    distinct = texts.drop_nulls().unique()
    note = ~distinct.str.contains(r"\p{L}") | distinct.str.to_lowercase().is_in(list(options.stock_notes))
    if capitals:
        shouted = distinct.str.contains(r"\p{Lu}{2}|\p{Lo}")
        note = note | (~shouted & distinct.str.contains(r"(?:^|\s)\p{Ll}|^\S*\p{Ll}\S*$"))
    return texts.is_in(distinct.filter(note).implode()).fill_null(False)


def in_capitals(titles: pl.Series, options: CleanerOptions) -> bool:
    """Says whether a catalogue writes its titles in capitals; a script that has none doesn't."""
    lettered = titles.drop_nulls().unique()
    lettered = lettered.filter(lettered.str.contains(r"\p{L}"))
    capital = (lettered.str.to_uppercase() == lettered) & (lettered.str.to_lowercase() != lettered)
    share = capital.mean()
    return isinstance(share, float) and share >= options.uppercase_share
