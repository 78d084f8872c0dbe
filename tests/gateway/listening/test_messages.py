"""What the messages of a stream say, and the addresses of streams."""

from __future__ import annotations

import datetime
import pathlib
import socket
from typing import Any

import pytest

from aisle.cli.live.listen import listen
from aisle.gateway.listening.listener import read_events
from aisle.gateway.listening.source import Message, open_source, read_address
from aisle.schema.errors import InputError

AT = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.timezone.utc)


def _read(body: Any) -> list[tuple[str, str, str]]:
    events = read_events(Message("clicks:7", AT, body))
    return [(event.event_id, event.item_id, event.at(AT).isoformat()[11:16]) for event in events]


def test_what_an_event_does_not_say_follows_from_its_place_and_the_brokers_clock() -> None:
    told = b'{"event": "click", "item_id": "b", "event_id": "e1", "timestamp": "2026-03-01T11:00:00Z"}'
    assert _read(b'[{"event": "click", "item_id": "a"},' + told + b"]") == [
        ("clicks:7:0", "a", "12:00"),
        ("e1", "b", "11:00"),
    ]
    first, second = read_events(
        Message("clicks:7", AT, b'[{"event": "click", "item_id": "a"},{"event": "click", "item_id": "b"}]')
    )
    assert first.timestamp == AT and second.timestamp > AT


def test_an_entry_of_fields_is_an_event_by_its_columns() -> None:
    (event,) = read_events(
        Message("clicks:7", AT, {"event": "add_to_cart", "item_id": "a", "position": "3", "price": "2.5"})
    )
    assert (event.event, event.position, event.price) == ("cart", 3, 2.5)  # type: ignore[attr-defined]


def test_an_entry_that_was_deleted_holds_no_event() -> None:
    assert _read({}) == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("amqp://broker", "begins with 'amqp'; expected redis://, nats:// or kafka://"),
        (
            "redis://u:secret@broker:1",
            "redis://broker:1 names no stream; expected redis://HOST:PORT?stream=NAME",
        ),
        ("nats://broker?stream=a&topic=b", "has 'topic'; expected nats://HOST:PORT"),
        ("kafka://broker?stream=a", "names no broker; expected kafka://HOST:PORT"),
        ("redis://broker:port/0?stream=a", "expected redis://HOST:PORT"),
    ],
)
def test_an_address_that_names_no_stream_is_refused_in_one_line(address: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        open_source(address, "me")
    assert said in str(refused.value) and "secret" not in str(refused.value)


def test_an_address_says_stream_group_and_server() -> None:
    read = read_address("nats://u:p@host:4222?stream=CLICKS&group=shop&subject=clicks.de", "subject")
    assert (read.server, read.stream, read.group) == ("nats://u:p@host:4222", "CLICKS", "shop")
    assert read.more == {"subject": "clicks.de"}


def test_a_port_of_metrics_that_is_taken_is_said_in_one_line(tmp_path: pathlib.Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = ["redis://h:1?stream=a", "--store", "redis://h:1", "--log", str(tmp_path)]
        with pytest.raises(InputError, match=f"127.0.0.1:{port}: .* in use; choose a free --metrics-port"):
            listen.main([*words, "--metrics-port", port], standalone_mode=False)


def test_listening_for_nobody_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="--store is memory, where no gateway would see"):
        words = ["redis://h:1?stream=a", "--store", "memory", "--log", str(tmp_path)]
        listen.main(words, standalone_mode=False)
