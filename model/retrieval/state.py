"""What a shop knows at a moment: who took what, what sells, what is taken together."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import tensorflow as tf

from aisle.model.gain import Floats
from aisle.model.retrieval.co_occurrence import PAST_DECAY
from aisle.model.retrieval.counts import COUNTS, HALF_LIVES, SAME_ORDER_DAYS
from aisle.model.retrieval.domains.shop import Domains
from aisle.model.retrieval.organic import organic
from aisle.model.retrieval.recent.intervals import due, visit_gap
from aisle.model.retrieval.sources import table_sources
from aisle.model.retrieval.sources.source import Arrays, Past
from aisle.model.spilled import SpilledRows
from aisle.model.transfer.lent import Lent
from aisle.schema.features import HISTORY_LENGTH
from aisle.schema.tables import MICROSECONDS_PER_DAY

TAKEN = 500
"""How many different items of a user are known, the latest."""
USER_NUMBERS = (
    "user_orders",
    "user_orders_60",
    "user_items",
    "user_repeat",
    "user_basket",
    "user_last",
    "user_first",
)
ITEM_NUMBERS = (
    "popularity",
    "popularity_7",
    "popularity_28",
    "popularity_90",
    "popularity_all",
    "item_trend",
    "item_users",
    "item_repeat",
    "item_last",
    "item_first",
)
POPULARITY_DAYS = {
    "popularity_7": 7.0,
    "popularity_28": 28.0,
    "popularity_90": 90.0,
    "popularity_all": np.inf,
}
"""Days over which the takings of known users are summed; `popularity` is of everyone, over 28 days."""


_USED = ("user_id", "session_id", "item_id", "timestamp", "weight", "sponsored")
"""What is read of the interactions, which are copied several times; `sponsored` may be absent."""


@dataclasses.dataclass(frozen=True)
class State:
    """The shop as of `now`; nothing later is in it.

    Items are numbered by their row in the catalogue. Ages are in days.

    Example:
        >>> day = MICROSECONDS_PER_DAY
        >>> took = {"user_id": ["ann", "ann"], "session_id": ["s1", "s2"], "item_id": ["mug", "lamp"]}
        >>> took = pl.DataFrame({**took, "timestamp": [1 * day, 4 * day], "weight": [1.0, 1.0]})
        >>> users = pl.DataFrame({"user_id": ["ann"], "country": ["Norway"]})
        >>> state = make_state(took, users, ["lamp", "mug", "rope"], now=3 * day)
        >>> state.known(), state.history.tolist(), state.age.tolist()  # The lamp was taken later.
        ({'ann'}, [1], [2.0])

    Attributes:
        users: user ids [u]: of those who took something, or of all that were asked for.
        countries: of each [u].
        splits: where each user's history begins and ends in the next three [u + 1].
        history: item rows of the latest interactions, oldest first [total].
        age: of each, float32 [total].
        weight: strength of each, float32 [total].
        taken_splits: where each user's different items begin and end in the next three [u + 1].
        taken: item rows [pairs].
        counts: COUNTS of each pair, float32 [pairs, 8].
        ages: of the latest and of the first time, float32 [pairs, 2].
        user_numbers: USER_NUMBERS, first of a typical user, then of each, float32 [u + 1, 7].
        item_numbers: ITEM_NUMBERS, float32 [n, 10].
        tables: what each source keeps, by its name.
        typical_age: the mean age of the latest, second latest, … item of a history, float32 [H].
        now: microseconds UTC; all before it is known.
        visit_gap: the pause, in days, that parts a user's visits.
        due: days after which each item is likely to be bought again, float32 [n].
    """

    users: list[str]
    countries: list[str]
    splits: np.ndarray
    history: np.ndarray
    age: np.ndarray
    weight: np.ndarray
    taken_splits: np.ndarray
    taken: np.ndarray
    counts: np.ndarray
    ages: np.ndarray
    user_numbers: np.ndarray
    item_numbers: np.ndarray
    tables: dict[str, Arrays]
    typical_age: np.ndarray
    now: int
    visit_gap: float
    due: np.ndarray

    def known(self) -> set[str]:
        """The users who took something."""
        took = np.diff(self.taken_splits) > 0
        return {user for user, some in zip(self.users, took, strict=True) if some}


def make_state(
    interactions: pl.DataFrame,
    users: pl.DataFrame,
    items: list[str],
    now: int,
    everyone: list[str] | None = None,
    tags: pl.DataFrame | None = None,
    domains: Domains | None = None,
    lent: Lent | None = None,
    texts: np.ndarray | tf.Tensor | SpilledRows | None = None,
) -> State:
    """Sums up the interactions before `now`.

    Args:
        interactions: the Labeler's, in any order.
        users: `user_id` and `country`.
        items: the catalogue's ids, in order.
        now: microseconds UTC; interactions at or after it are left out.
        everyone: users that get a row whether they took something by then or not; None: those who did.
        tags: the Labeler's, `item_id` and `tag`; None: no item has any.
        domains: of the items, learnt as of `now` or before; None: one.
        lent: by another shop; None: nothing.
        texts: embeddings of what the items say, in order, float32 [n, d]; None: nothing tells where an item stands.
    """
    rows = _rows(items)
    past = _before(interactions, rows, now)
    known = _placed(past.filter(pl.col("user_id") != ""))
    latest = _latest(known)
    sizes = latest.group_by("user_id", maintain_order=True).len()
    country = {user: value or "" for user, value in users.select("user_id", "country").iter_rows()}
    names = sizes["user_id"].to_list() if everyone is None else everyone
    known_users = set(sizes["user_id"])
    pairs = _pairs(known)
    liked = organic(past)
    lent = lent or Lent()
    takings = np.zeros(len(items)) if lent.takings is None else lent.takings
    item_numbers = _item_numbers(liked, pairs if liked is past else _pairs(organic(known)), takings)
    numbers = dict(zip(ITEM_NUMBERS, item_numbers.T, strict=True))
    sources = Past(len(items), known, pairs, numbers, _tagged(tags, rows), domains, lent.follows, texts)
    lists = _lists(pairs)
    return State(
        users=names,
        countries=[country.get(user, "") if user in known_users else "" for user in names],
        splits=_splits(sizes, names),
        history=latest["row"].to_numpy(),
        age=latest["age"].to_numpy(),
        weight=latest["weight"].to_numpy().astype(np.float32),
        taken_splits=_splits(lists.group_by("user_id", maintain_order=True).len(), names),
        taken=lists["row"].to_numpy(),
        counts=lists.select(COUNTS).to_numpy().astype(np.float32),
        ages=lists.select("last", "first").to_numpy().astype(np.float32),
        user_numbers=_user_numbers(known, pairs, names),
        item_numbers=item_numbers,
        tables={source.name: source.build(sources) for source in table_sources()},
        typical_age=_typical_age(latest),
        now=now,
        visit_gap=visit_gap(known),
        due=due(known, len(items)),
    )


def _lists(pairs: pl.DataFrame) -> pl.DataFrame:
    """What a user's list holds of what they took, by user, the latest first."""
    tail = pairs.group_by("user_id", maintain_order=True).tail(TAKEN)
    return tail.sort("user_id", "last", descending=[False, True])


def _latest(known: pl.DataFrame) -> pl.DataFrame:
    """The interactions that a history holds, by user, oldest first."""
    tail = known.group_by("user_id", maintain_order=True).tail(HISTORY_LENGTH)
    return tail.sort("user_id", "timestamp", "item_id")


def learnt_domains(
    catalogue: pl.DataFrame, interactions: pl.DataFrame, items: list[str], now: int
) -> Domains:
    """The domains of a shop, and what they say of each other by what users took before `now`.

    Args:
        catalogue: the Labeler's items, with or without `domain`.
        interactions: the Labeler's, in any order.
        items: the catalogue's ids, in order.
        now: microseconds UTC.
    """
    if "domain" not in catalogue.columns:
        return Domains.of_items([None] * len(items))
    rows = _rows(items)
    named = rows.join(catalogue.unique("item_id"), on="item_id", how="left", maintain_order="left")
    past = _before(interactions, rows, now)
    return Domains.of_items(named["domain"].to_list()).learn(_placed(past.filter(pl.col("user_id") != "")))


def _rows(items: list[str]) -> pl.DataFrame:
    """The items by their place in the catalogue."""
    return pl.DataFrame({"item_id": items, "row": np.arange(len(items), dtype=np.int32)})


def _before(interactions: pl.DataFrame, rows: pl.DataFrame, now: int) -> pl.DataFrame:
    """The interactions with the catalogue's items before a moment, in order, with their ages in days."""
    columns = [name for name in _USED if name in interactions.columns]
    past = interactions.lazy().filter(pl.col("timestamp") < now).select(columns).collect()
    past = past.join(rows, on="item_id")
    age = ((now - pl.col("timestamp")) / MICROSECONDS_PER_DAY).cast(pl.Float32).alias("age")
    return past.sort("timestamp", "item_id").with_columns(age)


def _tagged(tags: pl.DataFrame | None, rows: pl.DataFrame) -> pl.DataFrame:
    """The tags by the items' rows: `row` and `tag`; none where there are no tags."""
    if tags is None:
        tags = pl.DataFrame(schema={"item_id": pl.String, "tag": pl.String})
    return tags.join(rows, on="item_id", maintain_order="left").select("row", "tag")


def _splits(sizes: pl.DataFrame, names: list[str]) -> np.ndarray:
    """Where each user's part begins and ends, those without one among them: int64 [u + 1]."""
    lengths = pl.DataFrame({"user_id": names}, schema={"user_id": pl.String}).join(
        sizes, on="user_id", how="left", maintain_order="left"
    )["len"]
    return np.concatenate([[0], np.cumsum(lengths.fill_null(0).to_numpy())]).astype(np.int64)


def _placed(known: pl.DataFrame) -> pl.DataFrame:
    """Adds `since`: how many orders a user made after the one a row belongs to."""
    start = pl.col("timestamp").min().over("user_id", "session_id")
    since = start.rank("dense", descending=True).over("user_id").cast(pl.Int32) - 1
    return known.with_columns(since.alias("since"))


def _pairs(known: pl.DataFrame) -> pl.DataFrame:
    """One row for each user and item, by user, the item taken last at the end: COUNTS, `last`, `first`."""
    weight, age = pl.col("weight").cast(pl.Float32), pl.col("age")
    recent = age <= age.min().over("user_id") + SAME_ORDER_DAYS
    return (
        known.with_columns(recent.alias("latest_order"))
        .group_by("user_id", "row")
        .agg(
            weight.sum().alias("count"),
            *((weight * 0.5 ** (age / h)).sum().alias(f"repeat_{h:.0f}") for h in HALF_LIVES),
            (weight * PAST_DECAY ** pl.col("since")).sum().alias("repeat_orders"),
            pl.col("latest_order").any().cast(pl.Float32),
            age.min().alias("last"),
            age.max().alias("first"),
        )
        .sort("user_id", pl.col("last").neg(), "row")
    )


def _user_numbers(known: pl.DataFrame, pairs: pl.DataFrame, names: list[str]) -> np.ndarray:
    """USER_NUMBERS of the median user, then of each; who took nothing is as the median, but took nothing."""
    orders = known.group_by("user_id").agg(
        pl.col("session_id").n_unique().alias("user_orders"),
        pl.col("session_id").filter(pl.col("age") <= 60).n_unique().alias("user_orders_60"),
        pl.col("age").min().alias("user_last"),
        pl.col("age").max().alias("user_first"),
        pl.len().alias("rows"),
    )
    kinds = pairs.group_by("user_id").agg(
        pl.len().alias("user_items"), (pl.col("first") > pl.col("last")).sum().alias("again")
    )
    joined = orders.join(kinds, on="user_id").sort("user_id")
    numbers = joined.select(
        "user_orders",
        "user_orders_60",
        "user_items",
        (pl.col("again") / (pl.col("user_items") + 5)).alias("user_repeat"),
        (pl.col("rows") / pl.col("user_orders")).alias("user_basket"),
        "user_last",
        "user_first",
    )
    values = numbers.select(USER_NUMBERS).to_numpy().astype(np.float32)
    typical = np.median(values, axis=0) if len(values) else np.zeros(len(USER_NUMBERS))
    nobody = np.array(typical, np.float32)
    nobody[USER_NUMBERS.index("user_items")] = 0.0
    rows = dict(zip(joined["user_id"].to_list(), values, strict=True))
    return np.stack([typical.astype(np.float32), *(rows.get(name, nobody) for name in names)])


def _item_numbers(past: pl.DataFrame, pairs: pl.DataFrame, lent: Floats) -> np.ndarray:
    """ITEM_NUMBERS; how often an item was taken is log1p of the sum of weights, and of what it is lent of the time."""
    count, length = len(lent), float(past["age"].max() or 28.0)  # type: ignore[arg-type]

    def taken(rows: pl.DataFrame, days: float) -> np.ndarray:
        recent = rows.filter(pl.col("age") <= days)
        own = np.bincount(recent["row"].to_numpy(), recent["weight"].to_numpy(), count)
        return np.log1p(own + lent * (min(days, length) / 28.0))

    known = past.filter(pl.col("user_id") != "")
    numbers = {name: taken(known, days) for name, days in POPULARITY_DAYS.items()}
    numbers["popularity"] = taken(past, 28.0)
    week, month = (np.expm1(numbers[name]) for name in ("popularity_7", "popularity_28"))
    numbers["item_trend"] = np.log1p(week) - np.log1p(month / 4)
    users = np.bincount(pairs["row"].to_numpy(), minlength=count)
    again = pairs.filter(pl.col("first") > pl.col("last"))["row"].to_numpy()
    numbers["item_users"] = np.log1p(users)
    numbers["item_repeat"] = np.bincount(again, minlength=count) / (users + 5.0)
    row, age = past["row"].to_numpy(), past["age"].to_numpy()
    numbers["item_last"] = np.full(count, float(age.max()) if len(age) else 0.0, np.float32)
    np.minimum.at(numbers["item_last"], row, age)
    numbers["item_first"] = np.zeros(count, np.float32)
    np.maximum.at(numbers["item_first"], row, age)
    return np.stack([numbers[name] for name in ITEM_NUMBERS], 1).astype(np.float32)


def _typical_age(latest: pl.DataFrame) -> np.ndarray:
    """The mean age by place from the end, so that a history given without times has plausible ages."""
    placed = latest.with_columns(pl.int_range(pl.len()).reverse().over("user_id").alias("place"))
    means = placed.group_by("place").agg(pl.col("age").mean())
    ages = np.zeros(HISTORY_LENGTH, np.float32)
    ages[means["place"].to_numpy()] = means["age"].to_numpy()
    return np.maximum.accumulate(ages)
