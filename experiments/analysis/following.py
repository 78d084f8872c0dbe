"""Which answer an event follows that names none."""

from __future__ import annotations

import bisect
import collections

from aisle.experiments.analysis.events import Events
from aisle.schema.events import IMPRESSION

WINDOW_DAYS = 1.0
"""How long after an answer what names none may follow it."""


def followed(events: Events, taken: Events) -> list[tuple[str, str]]:
    """The answer and the item of each event that names no answer; of those that follow none, nothing.

    It is the last answer that showed the visitor the item, of the experiment or not: the item that they saw elsewhere since
    is nobody's.

    Args:
        events: with all that was shown.
        taken: what is to be credited.
    """
    wanted = set(zip(taken.unit.tolist(), taken.item_id.tolist(), strict=True))
    shown = events.where(events.kind == IMPRESSION.name)
    answers = collections.defaultdict(list)
    for *pair, day, request in zip(
        shown.unit.tolist(),
        shown.item_id.tolist(),
        shown.day.tolist(),
        shown.request_id.tolist(),
        strict=True,
    ):
        if tuple(pair) in wanted:
            answers[tuple(pair)].append((day, request))
    for seen in answers.values():
        seen.sort()
    found = []
    for user, item, day in zip(taken.unit.tolist(), taken.item_id.tolist(), taken.day.tolist(), strict=True):
        seen = answers.get((user, item), [])
        place = bisect.bisect_right(seen, day, key=lambda one: one[0])
        if place and seen[place - 1][0] >= day - WINDOW_DAYS:
            found.append((seen[place - 1][1], item))
    return found
