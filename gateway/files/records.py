"""What a record of the spool says, and which rows records make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from aisle.gateway.spool import Record
from aisle.schema.events import IMPRESSION

ROW, SHOWN, MERGED, FORGOTTEN = "row", "shown", "merged", "forgotten"
"""A record is one of these, by its first key; one that forgets may have `SESSIONS`, which became the user's."""
SESSIONS = "sessions"
_ARMS, _CAMPAIGNS, _SCORES = "arms", "campaigns", "ad_scores"
Forgotten = tuple[str, Sequence[str]]
"""A user, and the sessions that became theirs."""


def shown(
    source: str,
    request_id: str,
    version: int | None,
    item_ids: Sequence[str],
    asked: dict[str, Any],
    arms: Sequence[str] = (),
    campaigns: Sequence[str] = (),
    ad_scores: Sequence[float | None] = (),
) -> Record:
    """The record of an answer that was shown.

    Args:
        source: the signature that answered.
        request_id: of the answer.
        version: of the model.
        item_ids: best first.
        asked: `timestamp` in microseconds, and what else all of its rows have: `user_id`, `session_id`, `query`,
            `experiment`, `arm`.
        arms: of each item, where they aren't all of one; "" of none.
        campaigns: of each item, where any is sponsored; "" of none.
        ad_scores: what the model said of each that is sponsored; None of others.
    """
    told = None if version is None else str(version)
    common = {"source": source, "request_id": request_id, "version": told, "event": IMPRESSION.name}
    of_each: dict[str, list[Any]] = {_ARMS: list(arms), _CAMPAIGNS: list(campaigns), _SCORES: list(ad_scores)}
    more = {name: values for name, values in of_each.items() if any(values)}
    return {SHOWN: {**common, **asked, **more, "item_ids": list(item_ids)}}


def kept_rows(read: Callable[[], Iterable[Record]]) -> Iterator[dict[str, Any]]:
    """The rows of records, each event once, without those whom a later record forgets.

    Args:
        read: reads the records from the first on; it is called twice.
    """
    users: dict[str, int] = {}
    anonymous: dict[str, int] = {}
    sessions: dict[str, str] = {}
    for place, record in enumerate(read()):
        if FORGOTTEN in record:
            users[record[FORGOTTEN]] = place
            anonymous |= dict.fromkeys(record.get(SESSIONS, ()), place)
        elif known := became(record):
            sessions[known[0]] = known[1]
    seen: set[str] = set()
    for place, record in enumerate(read()):
        for row in _rows(record):
            user, session = row.get("user_id", ""), row.get("session_id", "")
            gone = users.get(user or sessions.get(session, ""), -1)
            if not user:
                gone = max(gone, anonymous.get(session, -1))
            if gone < place and row["event_id"] not in seen:
                seen.add(row["event_id"])
                yield row


def forgotten_in(records: Iterable[Record]) -> list[Forgotten]:
    """Whom records forget."""
    return [(record[FORGOTTEN], record.get(SESSIONS, ())) for record in records if FORGOTTEN in record]


def became(record: Record) -> tuple[str, str] | None:
    """The session, and whose it is, where a record tells."""
    if MERGED in record:
        return record[MERGED][0], record[MERGED][1]
    row = record.get(ROW) or record.get(SHOWN) or {}
    return (row["session_id"], row["user_id"]) if row.get("user_id") and row.get("session_id") else None


def merges(records: Iterable[Record]) -> dict[str, str]:
    """A user by session, of those who signed in and were not forgotten after."""
    found: dict[str, str] = {}
    for record in records:
        if MERGED in record:
            found[record[MERGED][0]] = record[MERGED][1]
        elif FORGOTTEN in record:
            found = {session: user for session, user in found.items() if user != record[FORGOTTEN]}
    return found


def _rows(record: Record) -> Iterator[dict[str, Any]]:
    if ROW in record:
        yield record[ROW]
    elif SHOWN in record:
        common = dict(record[SHOWN])
        items = common.pop("item_ids")
        names = (_ARMS, _CAMPAIGNS, _SCORES)
        of_each = zip(items, *(common.pop(name, None) or [None] * len(items) for name in names), strict=True)
        for position, (item, arm, campaign, score) in enumerate(of_each, 1):
            event_id = f"{common['request_id']}:{position}"
            of = {"arm": arm} if arm else {}
            of |= {"sponsored": True, "campaign_id": campaign, "ad_score": score} if campaign else {}
            yield {**common, **of, "item_id": item, "position": position, "event_id": event_id}
