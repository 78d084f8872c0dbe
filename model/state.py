"""What a shop knows at a moment: who took what, what is popular, what is bought together."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import scipy.sparse as sp

from aisle.schema.features import HISTORY_LENGTH
from aisle.schema.tables import MICROSECONDS_PER_DAY

POPULARITY_DAYS = 28
NEIGHBOURS = 30
REPEAT_HALF_LIFE = 60.0


@dataclasses.dataclass(frozen=True)
class State:
    """The shop as of `now`; nothing later is in it.

    Items are numbered by their row in the catalogue.

    Attributes:
        users: known user ids [u].
        countries: of each [u].
        splits: where each user's history begins and ends in the next three [u + 1].
        history: item rows, oldest first [total].
        age: days from each to `now`, float32 [total].
        weight: strength of each, float32 [total].
        popularity: how often each item was taken in the last four weeks, as log1p, float32 [n].
        neighbours: the items most often taken by the same users, int32 [n, NEIGHBOURS].
        similarity: their cosine, 0 where there is none, float32 [n, NEIGHBOURS].
        typical_age: the mean age of the latest, second latest, … item of a history, float32 [H].
    """

    users: list[str]
    countries: list[str]
    splits: np.ndarray
    history: np.ndarray
    age: np.ndarray
    weight: np.ndarray
    popularity: np.ndarray
    neighbours: np.ndarray
    similarity: np.ndarray
    typical_age: np.ndarray


def make_state(interactions: pl.DataFrame, users: pl.DataFrame, items: list[str], now: int) -> State:
    """Sums up the interactions before `now`.

    Args:
        interactions: the Labeler's, in any order.
        users: `user_id` and `country`.
        items: the catalogue's ids, in order.
        now: microseconds UTC; interactions at or after it are left out.
    """
    rows = pl.DataFrame({"item_id": items, "row": np.arange(len(items), dtype=np.int32)})
    past = (
        interactions.filter(pl.col("timestamp") < now).join(rows, on="item_id").sort("timestamp", "item_id")
    )
    past = past.with_columns(
        ((now - pl.col("timestamp")) / MICROSECONDS_PER_DAY).cast(pl.Float32).alias("age")
    )
    known = past.filter(pl.col("user_id") != "")
    latest = (
        known.group_by("user_id", maintain_order=True)
        .tail(HISTORY_LENGTH)
        .sort("user_id", "timestamp", "item_id")
    )
    sizes = latest.group_by("user_id", maintain_order=True).len()
    country = {user: value or "" for user, value in users.select("user_id", "country").iter_rows()}
    names = sizes["user_id"].to_list()
    neighbours, similarity = _neighbours(known, len(items))
    return State(
        users=names,
        countries=[country.get(user, "") for user in names],
        splits=np.concatenate([[0], np.cumsum(sizes["len"].to_numpy())]).astype(np.int64),
        history=latest["row"].to_numpy(),
        age=latest["age"].to_numpy(),
        weight=latest["weight"].to_numpy().astype(np.float32),
        popularity=_popularity(past, len(items)),
        neighbours=neighbours,
        similarity=similarity,
        typical_age=_typical_age(latest),
    )


def _popularity(past: pl.DataFrame, count: int) -> np.ndarray:
    recent = past.filter(pl.col("age") <= POPULARITY_DAYS)
    return np.log1p(np.bincount(recent["row"].to_numpy(), recent["weight"].to_numpy(), count)).astype(
        np.float32
    )


def _neighbours(known: pl.DataFrame, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The items nearest to each by the cosine of who took them (Sarwar et al., WWW 2001)."""
    user = known["user_id"].rank("dense").to_numpy().astype(np.int64) - 1
    pairs = (np.ones(len(known), np.float32), (user, known["row"].to_numpy()))
    taken = sp.csr_matrix(pairs, shape=(int(user.max()) + 1 if len(user) else 1, count))
    taken.data[:] = 1.0
    norm = np.sqrt(np.asarray(taken.sum(0)).ravel())
    unit = taken @ sp.diags(np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0))
    neighbours = np.zeros((count, NEIGHBOURS), np.int32)
    similarity = np.zeros((count, NEIGHBOURS), np.float32)
    step = max(1, 20_000_000 // max(count, 1))
    for start in range(0, count, step):
        block = (unit[:, start : start + step].T @ unit).toarray()
        block[np.arange(len(block)), np.arange(start, start + len(block))] = 0.0
        most = min(NEIGHBOURS, count)
        top = np.argpartition(-block, most - 1, axis=1)[:, :most]
        neighbours[start : start + len(block), :most] = top
        similarity[start : start + len(block), :most] = np.take_along_axis(block, top, 1)
    return neighbours, similarity


def _typical_age(latest: pl.DataFrame) -> np.ndarray:
    """The mean age by place from the end, so that a history given without times has plausible ages."""
    placed = latest.with_columns(pl.int_range(pl.len()).reverse().over("user_id").alias("place"))
    means = placed.group_by("place").agg(pl.col("age").mean())
    ages = np.zeros(HISTORY_LENGTH, np.float32)
    ages[means["place"].to_numpy()] = means["age"].to_numpy()
    return np.maximum.accumulate(ages)
