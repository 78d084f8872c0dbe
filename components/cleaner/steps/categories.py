"""Category paths: which sign parts their levels, and which one several categories of one item."""

from __future__ import annotations

import re

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import AUTO, CleanerOptions
from aisle.components.plans.spool import ROW

LEVEL = "/"
"""What parts the levels of a path in the cleaned tables."""
FURTHER = "further_categories"
"""An extra column of items: the paths that an item is in besides its `category`, parted by `|`."""
_LISTED = "|"
_NONE_FURTHER = pl.lit(None, pl.String).alias(FURTHER)
_BELOW = (LEVEL, "->", ">", "»", "›", "→", "::", "\\")
"""Signs that mean nothing in a category but a level below."""
_BESIDE = ("|", ";")
"""Signs that part categories, or levels."""
_RARE = 0.2
"""A sign that is so much rarer than another one belongs to a name."""
_STEADY = 0.9
"""The share of names that stand at one place in every path, from which on they are levels."""
_KNOWN = 0.5
"""The share of parts that are categories elsewhere, too, from which on a comma parts categories."""


def all_signs() -> str:
    """What may part the levels of a path, as a pattern; the longest first."""
    return "|".join(re.escape(sign) for sign in sorted((*_BELOW, *_BESIDE), key=len, reverse=True))


def settle_categories(ledger: Ledger, options: CleanerOptions) -> None:
    """Writes categories as paths with `/` between levels; of several of an item the most specific counts.

    The signs are the options', or those found in the column. The others go into the column `FURTHER`.
    """
    if "category" not in ledger.rows.columns:
        return
    ledger.change(
        "normalise", "category: a list as text", "category", _without_brackets(ledger.rows["category"])
    )
    given = ledger.rows["category"]
    level, beside = find_signs(given, options)
    if level in ("", LEVEL) and not beside:
        return
    paths = _paths(given.drop_nulls().unique(), level, beside)
    if beside:
        further = given.replace_strict(paths["text"], paths["further"], default=None, return_dtype=pl.String)
        ledger.change(
            "normalise", f"category: the most specific of several between {beside!r}", "category",
            given.replace(paths["text"], paths["first"]),
        )  # fmt: skip
        if further.null_count() < len(further):
            ledger.rows = ledger.rows.with_columns(further.alias(FURTHER))
    if level not in ("", LEVEL):
        written = paths.unique("first")
        levels = ledger.rows["category"].replace(written["first"], written["path"])
        ledger.change("normalise", f"category: levels between {level!r}", "category", levels)


def _without_brackets(categories: pl.Series) -> pl.Series:
    """Writes lists such as `["Home", "Mug"]`, as JSON and Python print them, with a bar between their names."""
    bare = categories.str.extract(r"^\[+\s*['\"](.*)['\"]\s*\]+$").str.replace_all(
        r"['\"]\s*,\s*['\"]", _LISTED
    )
    return pl.select(pl.coalesce(bare, categories)).to_series()


def gather_categories(ledger: Ledger) -> None:
    """Gives the rows of an item that is listed in several categories all of them, in the column `FURTHER`."""
    if "category" not in ledger.rows.columns:
        return
    rows = ledger.rows if FURTHER in ledger.rows.columns else ledger.rows.with_columns(_NONE_FURTHER)
    several = (pl.col("category").drop_nulls().n_unique() > 1).over("item_id")
    listed = rows.filter(several).select(ROW, "item_id", "category", FURTHER)
    if listed.is_empty():
        return
    ledger.rows = rows
    each = pl.concat(
        [listed.select("item_id", "category"), listed.select("item_id", category=FURTHER)]
    ).drop_nulls()
    each = (
        each.with_columns(pl.col("category").str.split(_LISTED))
        .explode("category")
        .unique(maintain_order=True)
    )
    others = listed.select(ROW, "item_id", own="category").join(
        each, on="item_id", maintain_order="left_right"
    )
    others = others.filter(pl.col("category").ne_missing(pl.col("own"))).group_by(ROW, maintain_order=True).agg(
        pl.col("category").str.join(_LISTED)
    )  # fmt: skip
    further = rows[ROW].replace_strict(others[ROW], others["category"], default=rows[FURTHER])
    ledger.change("normalise", "category: several of one item", FURTHER, further)


def find_signs(categories: pl.Series, options: CleanerOptions) -> tuple[str, str]:
    """Returns the sign between levels, and the one between categories; "" where there is none to be read.

    What is not said by the options is found: a sign that is always between levels, such as `>`; a bar or a
    semicolon between categories where another sign is between levels, or where names stand now here, now there;
    a comma where its parts are mostly categories of their own elsewhere.
    """
    texts = categories.drop_nulls().unique()
    level, beside = options.category_levels, options.category_lists
    found = {sign: _used(texts, sign) for sign in (*_BELOW, *_BESIDE)}
    if level == AUTO:
        level = max(_BELOW[1:], key=lambda sign: found[sign])
        if found[level] <= _RARE * found[LEVEL]:
            level = LEVEL if found[LEVEL] else ""
    if beside == AUTO:
        beside = max(_BESIDE, key=lambda sign: found[sign])
        if not found[beside]:
            beside = "," if _parts_categories(texts, ",") else ""
        elif not level and options.category_levels == AUTO and _are_levels(texts, beside):
            level, beside = beside, ""
    return level, beside


def _used(texts: pl.Series, sign: str) -> int:
    """Returns how many texts have a sign between two names."""
    names = texts.filter(texts.str.contains(sign, literal=True)).str.split(sign)
    return int((names.list.eval(pl.element().str.strip_chars() != "").list.sum() > 1).sum())


def _are_levels(texts: pl.Series, sign: str) -> bool:
    """Says whether names between a sign are levels: each at its own place, and fewer of them at the top."""
    names = (
        texts.filter(texts.str.contains(sign, literal=True)).alias("name").to_frame()
        .with_columns(pl.col("name").str.split(sign)).with_columns(place=pl.int_ranges(pl.col("name").list.len()))
        .explode("name", "place").with_columns(pl.col("name").str.strip_chars())
    )  # fmt: skip
    at = names.group_by("name", "place").len().group_by("name").agg(pl.col("len").max() / pl.col("len").sum())
    steady = at.select(pl.col("len").mean() >= _STEADY).item()
    tops, below = (names.filter(pl.col("place") == place)["name"].n_unique() for place in (0, 1))
    return bool(steady) and tops <= below


def _parts_categories(texts: pl.Series, sign: str) -> bool:
    """Says whether what a sign parts are mostly categories that others have without it."""
    whole = texts.filter(~texts.str.contains(sign, literal=True))
    parts = texts.filter(texts.str.contains(sign, literal=True)).str.split(sign).explode().str.strip_chars()
    share = parts.is_in(whole.implode()).mean()
    return isinstance(share, float) and share >= _KNOWN


def _paths(texts: pl.Series, level: str, beside: str) -> pl.DataFrame:
    """Returns of each `text` the `first` category as it was written, its `path`, and `further` paths, if any."""
    one = pl.DataFrame({"text": texts}).with_row_index("row")
    written = pl.col("text").str.split(beside) if beside else pl.concat_list("text")
    each = one.with_columns(first=written).explode("first").with_columns(pl.col("first").str.strip_chars())
    each = each.filter(pl.col("first") != "").with_columns(names=_names(texts, level))
    each = each.with_columns(path=pl.col("names").list.join(LEVEL), depth=pl.col("names").list.len())
    each = each.filter(pl.col("depth") > 0).unique(["row", "path"], keep="first", maintain_order=True)
    best = each.sort("row", pl.col("depth"), descending=[False, True], maintain_order=True)
    return best.group_by("row", maintain_order=True).agg(
        pl.col("text").first(),
        pl.col("first").first(),
        pl.col("path").first(),
        further=pl.when(pl.len() > 1).then(pl.col("path").slice(1).str.join(_LISTED)),
    )


def _names(texts: pl.Series, level: str) -> pl.Expr:
    """Returns the names of the levels of the column `first`.

    A `/` beside another sign between levels is part of a name, and becomes a hyphen; so is one elsewhere, unless
    there are many.
    """
    written = pl.col("first")
    if level in ("", LEVEL):
        names = written.str.split(LEVEL)
    else:
        below = written.str.contains(level, literal=True)
        other = texts.filter(~texts.str.contains(level, literal=True))
        many = _used(other, LEVEL) > _RARE * _used(texts, level)
        plain = written.str.replace_all(r"\s*/\s*", "-").str.split(level)
        names = pl.when(below | pl.lit(not many)).then(plain).otherwise(written.str.split(LEVEL))
    names = names.list.eval(pl.element().str.strip_chars())
    return names.list.eval(pl.element().filter(pl.element() != ""))
