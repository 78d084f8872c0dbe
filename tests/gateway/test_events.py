"""What is an event, and when it happened."""

from __future__ import annotations

import datetime
from typing import Any

import pydantic
import pytest

from aisle.gateway.events import EVENT, Events, microseconds
from aisle.schema.tables import EVENTS

NOW = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.timezone.utc)
CLICK = {"event": "click", "item_id": "mug"}


def _at(timestamp: str | None) -> str:
    event = EVENT.model_validate(CLICK | ({"timestamp": timestamp} if timestamp else {}))
    return event.at(NOW).isoformat()


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        (None, "2026-03-01T12:00:00+00:00"),
        ("2026-03-01T11:59:00Z", "2026-03-01T11:59:00+00:00"),
        ("2026-03-01T12:59:30+01:00", "2026-03-01T11:59:30+00:00"),
        ("2026-03-01 11:00:00", "2026-03-01T11:00:00+00:00"),
        ("2026-02-01T00:00:00Z", "2026-02-01T00:00:00+00:00"),
        ("2026-03-02T12:00:00Z", "2026-03-01T12:00:00+00:00"),
    ],
    ids=["untold", "just now", "of a zone", "of no zone", "late", "by a clock a day ahead"],
)
def test_an_event_happened_when_it_says_and_never_after_it_came(told: str | None, taken: str) -> None:
    assert _at(told) == taken


def test_every_column_of_the_table_may_be_told_but_the_gateways_own() -> None:
    own = {"source", "version", "sponsored", "campaign_id", "ad_score"}
    assert set(EVENT.model_fields) == {column.name for column in EVENTS.columns} - own


def test_a_row_has_what_was_told_and_nothing_empty() -> None:
    told = {**CLICK, "event_id": "e1", "user_id": " u1 ", "session_id": "", "position": 3, "price": 2.5}
    assert EVENT.model_validate(told).row(NOW) == {
        **{
            "event_id": "e1",
            "event": "click",
            "item_id": "mug",
            "user_id": "u1",
            "position": 3,
            "price": 2.5,
        },
        "timestamp": 1_772_366_400_000_000,
    }


def test_a_kind_is_known_by_what_usual_tools_call_it() -> None:
    assert EVENT.model_validate({"event": "add_to_cart", "item_id": "mug"}).event == "cart"


def test_events_without_an_id_are_different_ones() -> None:
    first, second = EVENT.model_validate(CLICK), EVENT.model_validate(CLICK)
    assert first.event_id != second.event_id


def test_microseconds_are_exact() -> None:
    time = datetime.datetime(2026, 3, 1, 12, 0, 0, 123_457, tzinfo=datetime.timezone.utc)
    assert microseconds(time) == 1_772_366_400_123_457


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"event": "stare"}, "no kind of event; expected one of impression, click, cart"),
        ({"event": "\ud800"}, "unicode"),
        ({"item_id": " "}, "at least 1 character"),
        ({"item_id": "a\nb"}, "match pattern"),
        ({"item_id": "a" * 257}, "at most 256"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
        ({"price": float("nan")}, "finite number"),
        ({"position": 2**63}, "less than"),
        ({"position": 1.5}, "valid integer"),
        ({"timestamp": "yesterday"}, "valid datetime"),
        ({"timestamp": "0001-01-01T00:00:00+23:00"}, "beyond the years"),
        ({"text": "a" * 4_097}, "at most 4096"),
    ],
)
def test_what_is_no_event_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=said):
        EVENT.model_validate(CLICK | wrong)


def test_one_event_is_a_batch_of_one_and_a_batch_is_bounded() -> None:
    batch = pydantic.TypeAdapter(Events)
    assert [event.item_id for event in batch.validate_python(CLICK)] == ["mug"]
    assert len(batch.validate_python([CLICK] * 500)) == 500
    for wrong in ([], [CLICK] * 501, "click"):
        with pytest.raises(pydantic.ValidationError):
            batch.validate_python(wrong)
