"""Events by the million, drawn column by column: a shop's searches, what came of them, and its dirt, in Parquet files.

The simulator plays each visit and takes minutes for a million events; what is asked here is how many there are, not how
lifelike they are. A visit searches, is shown a page of results, clicks on some of them and may buy; another goes to an item
by itself. Visits and users come as often as items do: some much more than others.
"""

from __future__ import annotations

import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

Ints = NDArray[np.int64]

DAYS = 180
DAY, MINUTE = 86_400 * 1_000_000, 60 * 1_000_000
FIRST_DAY = 20_000 * DAY
"""In 2024."""
PAGE = 6
EVENTS_PER_VISIT = 6.6
"""On average; how many a visit of `_visits` has."""
FILE_EVENTS = 1_000_000
_KINDS = np.array(["impression", "click", "cart", "purchase", "Click ", "veiw"])
_THINGS = ("mug", "lamp", "vase", "towel", "clock", "basket", "candle", "apron", "shelf", "frame")
_LOOKS = ("red", "blue", "oak", "glass", "small", "large", "retro", "paper", "linen", "round")


def write_shop(dest: pathlib.Path, events: int, items: int, dirt: float, seed: int = 0) -> int:
    """Writes the tables items, users and events, the latter in files of a million rows.

    Args:
        dest: a folder that is made.
        events: about how many.
        items: how many.
        dirt: the share of events that get a fault.
        seed: the same seed gives the same tables.

    Returns:
        How many events there are.
    """
    (dest / "events").mkdir(parents=True)
    users = max(100, events // 50)
    _write_catalogue(dest, items, users)
    written = 0
    for nth in range(max(1, round(events / FILE_EVENTS))):
        rng = np.random.default_rng((seed, nth))
        visits = max(1, round(min(events, FILE_EVENTS) / EVENTS_PER_VISIT))
        rows = _dirty(_visits(rng, nth, visits, items, users), dirt, rng)
        pq.write_table(rows, dest / "events" / f"{nth:04}.parquet", compression="zstd")
        written += rows.num_rows
    return written


def _write_catalogue(dest: pathlib.Path, items: int, users: int) -> None:
    ids = np.arange(items)
    looks, things = np.array(_LOOKS), np.array(_THINGS)
    thing, look, other = (ids // step % 10 for step in (1, 10, 100))
    title = [
        f"{looks[a]} {looks[b]} {things[c]} {n}" for a, b, c, n in zip(look, other, thing, ids, strict=True)
    ]
    catalogue = {
        "item_id": _named("I", ids),
        "title": pa.array(title),
        "category": pa.array([f"Home/{things[c].title()}" for c in thing]),
        "price": pa.array(_price(ids)),
    }
    pq.write_table(pa.table(catalogue), dest / "items.parquet")
    people = {
        "user_id": _named("U", np.arange(users)),
        "country": pa.array(["DE", "FR", "GB", "US"]).take(pa.array(np.arange(users) % 4)),
    }
    pq.write_table(pa.table(people), dest / "users.parquet")


def _visits(rng: np.random.Generator, nth: int, visits: int, items: int, users: int) -> pa.Table:
    """A file's events, ascending by time."""
    user = _popular(rng, visits, users)
    start = FIRST_DAY + np.sort(rng.integers(0, DAYS * DAY, visits))
    searched = rng.random(visits) < 0.8
    # One row for each place of a visit's page; who doesn't search goes to the first item by itself.
    visit = np.repeat(np.arange(visits), PAGE)
    place = np.tile(np.arange(PAGE), visits)
    item = _popular(rng, visits * PAGE, items)
    shown = searched[visit]
    clicked = np.where(shown, rng.random(len(visit)) < 0.5 / (1 + place), place < 2)
    bought, carted = clicked & (rng.random(len(visit)) < 0.08), clicked & (rng.random(len(visit)) < 0.2)
    clicks = start[visit] + (1 + place) * MINUTE + rng.integers(0, MINUTE, len(visit))
    parts = [
        (np.flatnonzero(which), time[which], np.full(int(which.sum()), kind))
        for which, time, kind in (
            (shown, start[visit], 0),
            (clicked, clicks, 1),
            (carted, clicks + MINUTE, 2),
            (bought, clicks + 5 * MINUTE, 3),
        )
    ]
    row, time, kind = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(time, kind="stable")
    row, time, kind = row[order], time[order], kind[order]
    seen = kind == 0
    sold = kind == 3
    words = [f"{look} {thing}" for look in _LOOKS for thing in _THINGS]
    query = pa.array(words).take(pa.array(item[row // PAGE * PAGE] % len(words), mask=~searched[visit[row]]))
    return pa.table(
        {
            "timestamp": pa.array(time, pa.int64()).cast(pa.timestamp("us")),
            "event": pa.array(_KINDS).take(pa.array(kind)),
            "item_id": _named("I", item[row]),
            "user_id": _named("U", user[visit[row]], missing=rng.random(visits)[visit[row]] < 0.2),
            "session_id": _named(f"S{nth}-", visit[row]),
            "query": query,
            "position": pa.array(place[row] + 1, mask=~seen),
            "quantity": pa.array(rng.integers(1, 4, len(row)).astype(np.float64), mask=~sold),
            "price": pa.array(_price(item[row]), mask=~sold),
        }
    )


def _dirty(rows: pa.Table, dirt: float, rng: np.random.Generator) -> pa.Table:
    """Plants faults: unknown items and kinds, odd spellings, wrong clocks and prices, and rows that are sent twice."""
    fault = np.where(rng.random(rows.num_rows) < dirt, rng.integers(1, 8, rows.num_rows), 0)

    def put(name: str, kind: int, value: pa.Scalar) -> None:
        nonlocal rows
        place, column = rows.column_names.index(name), rows[name]
        changed = pc.if_else(pa.array(fault == kind), value, column)
        rows = rows.set_column(place, name, changed)

    put("item_id", 1, pa.scalar("I-gone"))
    put("event", 2, pa.scalar(str(_KINDS[4])))
    put("event", 3, pa.scalar(str(_KINDS[5])))
    put("timestamp", 4, pa.scalar(0, pa.timestamp("us")))
    put("quantity", 5, pa.scalar(-1.0))
    put("price", 6, pa.scalar(9_999.0))
    twice = np.sort(np.concatenate([np.arange(rows.num_rows), np.flatnonzero(fault == 7)]))
    return rows.take(pa.array(twice))


def _popular(rng: np.random.Generator, count: int, among: int) -> Ints:
    """Draws so that the first are drawn far more often: the density falls with the place's square root."""
    place: Ints = (rng.random(count) ** 2 * among).astype(np.int64)
    return place


def _price(item: Ints) -> NDArray[np.float64]:
    price: NDArray[np.float64] = np.round(2 + (item * 7 % 1_000).astype(np.float64) / 10, 2)
    return price


def _named(sign: str, numbers: Ints, missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Numbers as ids, `I00012`."""
    text = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 7, "0")
    ids = pc.binary_join_element_wise(sign, text, "")
    return ids if missing is None else pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), ids)
