"""Bots in a simulated shop: one that races through a session, and one that crawls all day as a user."""

from __future__ import annotations

import csv

import numpy as np
from numpy.typing import NDArray

from aisle.datasets.simulator.faults.kinds import Row

BOT_SESSION, BOT_USER = "bot_session", "bot_user"
BOT_ROWS = 120
"""Clicks of a bot."""
CRAWLS = 12
"""Sessions that a crawling user spreads them over, an hour apart."""
PACES = (10, 31)
"""The seconds between a crawler's clicks are from these (the last one excluded), give or take one."""


def racing_session(
    number: int, columns: list[str], lines: list[bytes], at: int, rng: np.random.Generator
) -> list[Row]:
    """Returns one session of nobody: two clicks a second, from the time of the line `at` on.

    Args:
        number: the row it follows, over all files: names the session.
        columns: the file's header.
        lines: the file's clean lines; the clicks are on what is seen in them.
        at: the line it follows.
        rng: draws the items.
    """
    start = np.datetime64(_cells(columns, lines[at])["timestamp"].replace(" ", "T"), "s")
    times = start + (np.arange(BOT_ROWS) // 2).astype("timedelta64[s]")
    return _clicks(columns, lines, times, "", [f"bot{number}"] * BOT_ROWS, rng)


def crawling_user(
    number: int, columns: list[str], lines: list[bytes], at: int, rng: np.random.Generator
) -> list[Row]:
    """Returns a logged-in user's sessions of one day: few clicks each, at the pace of a clock.

    Args: see `racing_session`.
    """
    day = np.datetime64(_cells(columns, lines[at])["timestamp"][:10], "s")
    session, nth = np.divmod(np.arange(BOT_ROWS), BOT_ROWS // CRAWLS)
    seconds = (1 + session) * 3_600 + nth * int(rng.integers(*PACES)) + rng.integers(0, 2, BOT_ROWS)
    names = [f"bot{number}-{one}" for one in session.tolist()]
    return _clicks(columns, lines, day + seconds.astype("timedelta64[s]"), f"u9{number:08}", names, rng)


def _clicks(
    columns: list[str],
    lines: list[bytes],
    times: NDArray[np.datetime64],
    user: str,
    sessions: list[str],
    rng: np.random.Generator,
) -> list[Row]:
    """Returns clicks on whatever the day's other users saw."""
    seen = rng.integers(len(lines), size=len(times)).tolist()
    return [
        dict.fromkeys(columns, "")
        | {
            "timestamp": str(time).replace("T", " "),
            "event": "click",
            "item_id": _cells(columns, lines[row])["item_id"],
            "user_id": user,
            "session_id": session,
        }
        for time, row, session in zip(times, seen, sessions, strict=True)
    ]


def _cells(columns: list[str], line: bytes) -> Row:
    return dict(zip(columns, next(csv.reader([line.decode()])), strict=True))
