"""Pages that a shop showed, as requests for sponsored places: what a gateway's log or any shop's events tell of them.

The chances are those of the log itself: how often an item was clicked where it was looked at, drawn to that of all items where
it was shown little. What a place is looked at is how often it was clicked, in shares of the first one. Visitors are parted in two
halves: what the auction believes of a page is learnt of the other half, what comes of it of its own. So an auction that picks what
luck made look good is found out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from aisle.schema.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from aisle.ads.requests import Request

Floats = npt.NDArray[np.float64]
PRIOR = 20.0
"""Looks, or clicks, that an item's own rate is mixed with, at the rate of all items."""
MOST_PLACES = 50
"""Of a page whose looks are told; what lies below has the last one's."""
MILLION = 1_000_000


def logged_requests(
    events: pl.DataFrame, categories: dict[str, str]
) -> tuple[list[Request], tuple[int, ...]]:
    """The pages of a log, ascending by time, and how likely each place is looked at, in millionths of the first one.

    A page is what one answer showed (`request_id`), or what a session was shown at one moment for one query.

    Args:
        events: canonical ones, `timestamp` in microseconds.
        categories: of items.

    Raises:
        InputError: nothing was shown, or nothing that was shown was clicked.
    """
    import polars as pl

    shown = shown_pages(events)
    if shown.is_empty():
        raise InputError(
            "the events hold no impression of a session or a user: nothing tells what was shown, so that nothing can be"
            " sold again; `aisle gateway` logs it"
        )
    if not shown["clicked"].any():
        raise InputError(
            "none of the results shown was clicked within half an hour: there is no chance to sell by"
        )
    looked, looks = _looked(shown)
    told = shown.with_columns(
        pl.Series(f"{name} {outcome}", rates)
        for outcome, tries in (
            ("clicked", looked),
            ("bought", shown["clicked"].to_numpy().astype(np.float64)),
        )
        for name, rates in zip(("believed", "true"), _in_halves(shown, outcome, tries), strict=True)
    ).with_columns(gain=click_rates(shown)[0])
    return [_request(page, categories) for _, page in told.group_by("page", maintain_order=True)], looks


def click_rates(shown: pl.DataFrame) -> tuple[Floats, tuple[int, ...]]:
    """[results] how often the item of each is clicked where it is looked at, and how likely each place is looked at."""
    looked, looks = _looked(shown)
    return _rates(shown, "clicked", looked, np.ones(len(shown), bool)), looks


def _looked(shown: pl.DataFrame) -> tuple[Floats, tuple[int, ...]]:
    """[results] how likely the place of each is looked at, and that of all places."""
    looks = _looks(shown)
    place = np.minimum(shown["place"].to_numpy(), len(looks)) - 1
    found: Floats = np.asarray(looks)[place] / MILLION
    return found, looks


def shown_pages(events: pl.DataFrame) -> pl.DataFrame:
    """A row for each result of a page, an item once: `page`, `place`, and whether it was `clicked` and `bought`.

    Args:
        events: canonical ones, `timestamp` in microseconds.
    """
    import polars as pl

    from aisle.components.labeler.options import LabelerOptions
    from aisle.components.labeler.searches.attribution import attribute

    columns = ("timestamp", "event", "item_id", "user_id", "session_id", "query", "position")
    extra = ("request_id", "sponsored", "campaign_id", "ad_score")
    kinds: dict[str, Any] = {
        **dict.fromkeys(("timestamp", "position", "sponsored"), pl.Int64),
        "ad_score": pl.Float64,
    }
    absent = [name for name in (*columns, *extra) if name not in events.columns]
    whole = events.with_columns(pl.lit(None, kinds.get(name, pl.String)).alias(name) for name in absent)
    # All that was shown counts here, sponsored or not.
    found = attribute(whole.select(columns), LabelerOptions())
    keys = ["timestamp", "item_id", "user_id", "session_id", "query"]
    about = (
        whole.filter(pl.col("event") == "impression")
        .with_columns(pl.when(pl.col("query") != "").then("query"))
        .select(*keys, *extra)
        .unique(keys, keep="first", maintain_order=True)
    )
    shown = found.shown.drop("sponsored").join(
        about, on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    page = pl.coalesce("request_id", pl.concat_str("timestamp", *(pl.col(name).fill_null("") for name in keys[2:]), separator="\t"))  # fmt: skip
    touched, sold = (set(one["shown"].drop_nulls()) for one in (found.touches, found.conversions))
    return (
        shown.with_columns(
            page.alias("page"),
            pl.col("row").is_in(touched).alias("clicked"),
            pl.col("row").is_in(sold).alias("bought"),
            (pl.col("sponsored").fill_null(0) == 1).alias("sponsored"),
        )
        .sort("timestamp", "page", "position", maintain_order=True)
        .unique(["page", "item_id"], keep="first", maintain_order=True)
        .with_columns((pl.int_range(pl.len()).over("page") + 1).alias("place"))
    )


def _looks(shown: pl.DataFrame) -> tuple[int, ...]:
    """The click-through rate of each place, never rising, in millionths of the first one's."""
    import polars as pl

    places = shown.filter(pl.col("place") <= MOST_PLACES).group_by("place").agg(
        (pl.col("clicked").sum() + 1e-9) / pl.len()
    ).sort("place")["clicked"]  # fmt: skip
    falling = np.minimum.accumulate(places.to_numpy())
    return tuple(int(look) for look in np.maximum(np.rint(MILLION * falling / falling[0]), 1))


def _in_halves(shown: pl.DataFrame, outcome: str, tries: Floats) -> tuple[Floats, Floats]:
    """[results] how often the outcome comes of a try by the other half of the visitors, and by the own one."""
    import polars as pl

    who = shown.select(pl.coalesce("user_id", "session_id").rank("dense") % 2 == 0).to_series()
    half = who.fill_null(True).to_numpy()
    by_half, by_other = (_rates(shown, outcome, tries, learnt) for learnt in (half, ~half))
    return np.where(half, by_other, by_half), np.where(half, by_half, by_other)


def _rates(shown: pl.DataFrame, outcome: str, tries: Floats, learnt: npt.NDArray[np.bool_]) -> Floats:
    """[results] of each one's item: how often the outcome came of a try in the results that are learnt of, between 0 and 1."""
    items, row = np.unique(shown["item_id"].to_numpy(), return_inverse=True)
    happened = shown[outcome].to_numpy().astype(np.float64)
    common = happened.sum() / max(tries.sum(), 1e-9)
    own = (np.bincount(row, happened * learnt, len(items)) + PRIOR * common) / (
        np.bincount(row, tries * learnt, len(items)) + PRIOR
    )
    found: Floats = np.clip(own, 1e-6, 1.0)[row]
    return found


def _request(page: pl.DataFrame, categories: dict[str, str]) -> Request:
    """A page; what was sponsored on it may be shown again, and isn't listed without ads."""
    from aisle.ads.market import Candidate
    from aisle.ads.requests import Request

    rows = page.sort("sponsored", maintain_order=True)
    believed, truth = (
        rows.select(f"{name} clicked", f"{name} bought").to_numpy() for name in ("believed", "true")
    )
    whole = np.clip(np.rint(believed * MILLION), 1, MILLION).astype(np.int64).tolist()
    first = rows.row(0, named=True)
    candidates: Sequence[Candidate] = [
        Candidate(item, categories.get(item, ""), *chances)
        for item, chances in zip(rows["item_id"].to_list(), whole, strict=True)
    ]
    return Request(
        first["timestamp"],
        first["user_id"] or first["session_id"] or "",
        first["query"] or "",
        candidates,
        int((~rows["sponsored"]).sum()),
        truth,
        rows["gain"].to_numpy(),
    )
