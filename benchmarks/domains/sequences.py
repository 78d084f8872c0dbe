"""Food–Kitchen: what 8,173 users took in two domains, as takings, and the questions of the test."""

from __future__ import annotations

import pathlib

import numpy as np

from aisle.model.retrieval.domains.takings import Ints, Takings

FOODS = 29_207
"""Items below are food, the others are of the kitchen."""
DOMAINS = ("Food", "Kitchen")
TESTED = 2_000
_SECONDS_A_DAY = 86_400.0


def read(source: pathlib.Path) -> Takings:
    """The takings of a file of a user a line: tab-separated, two counts, then `item|seconds|time|`."""
    users: list[int] = []
    items: list[int] = []
    seconds: list[int] = []
    text = (source / "sequences.txt").read_text(encoding="utf-8")
    for user, line in enumerate(text.splitlines()):
        for cell in line.split("\t")[2:]:
            if cell.strip():
                item, when, *_ = cell.split("|")
                users.append(user)
                items.append(int(item))
                seconds.append(int(when))
    # At one moment they stay in the order of the file.
    order = np.lexsort((np.array(seconds), np.array(users)))
    owner = np.array(users)[order]
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    domains = (np.arange(max(items) + 1) >= FOODS).astype(np.int64)
    days = np.array(seconds)[order] / _SECONDS_A_DAY
    return Takings(owner, np.array(items)[order], place, days, domains)


def tested(takings: Takings) -> Ints:
    """The users of the test."""
    return np.random.default_rng(0).permutation(int(takings.users.max()) + 1)[:TESTED]
