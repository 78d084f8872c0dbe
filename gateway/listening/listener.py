"""Takes messages from a stream, records them by the rules of HTTP, and acknowledges what is safe."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Iterator, Sequence

import pydantic

from aisle.gateway.events import Event, Events
from aisle.gateway.listening.refused import Refused
from aisle.gateway.listening.source import Message, Source, SourceDown
from aisle.gateway.recording import Recording
from aisle.gateway.said import of_contract
from aisle.gateway.spool import NotWritten

MAX_BYTES = 256 << 10
"""Of a message, as of a body over HTTP."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 10.0
"""After a failure, twice as long after each that follows."""
_EVENTS: pydantic.TypeAdapter[list[Event]] = pydantic.TypeAdapter(Events)


class Listener:
    """Consumes a source, at least once.

    A message is acknowledged once the log, or the file of what was refused, has it. What comes again after a crash has the
    same `event_id`: the site's, else one by its place in the stream.
    """

    def __init__(self, source: Source, recording: Recording, refused: Refused) -> None:
        """Nothing runs yet, see `run`; all three are the caller's."""
        self._source, self._recording, self._refused = source, recording, refused
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Has `run` end after what it has in hand."""
        self._stopped.set()

    async def run(self) -> None:
        """Listens until it is stopped; raises InputError where the stream isn't there."""
        pause = FIRST_PAUSE_SECONDS
        taken: list[Message] = []
        while not self._stopped.is_set():
            try:
                # What the disk didn't take is tried again; what wasn't acknowledged comes again.
                taken = taken or await self._source.take()
                await self._keep(taken)
                done, taken = taken, []
                await self._source.done(done)
                pause = FIRST_PAUSE_SECONDS
            except (SourceDown, NotWritten) as error:
                logging.getLogger(__name__).warning("%s; again in %.1f s", error, pause)
                await self._pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _keep(self, messages: Sequence[Message]) -> None:
        events: list[Event] = []
        refused: list[tuple[Message, str]] = []
        for message in messages:
            try:
                events += read_events(message)
            except ValueError as error:
                refused.append((message, str(error)))
        if events:
            await self._recording.record(events)
        if refused:
            await asyncio.to_thread(self._refused.keep, refused)
            self._recording.metrics.refused.inc(len(refused))

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except asyncio.TimeoutError:
            return


def read_events(message: Message) -> list[Event]:
    """The events of a message.

    What an event doesn't say follows from the message, so that it is the same each time that it comes: the time that the
    broker got it, and an `event_id` by its place.

    Raises:
        ValueError: it holds no events; one that is wrong has the message refused whole.
    """
    if isinstance(message.body, dict) and not message.body:
        return []
    if isinstance(message.body, bytes) and len(message.body) > MAX_BYTES:
        raise ValueError(f"the message is larger than {MAX_BYTES >> 10} KiB; send smaller batches")
    try:
        came = message.body
        read = _EVENTS.validate_json(came) if isinstance(came, bytes) else _EVENTS.validate_python(came)
    except pydantic.ValidationError as error:
        raise ValueError(of_contract(error.errors()[0])) from None
    return list(_placed(message, read))


def _placed(message: Message, events: Sequence[Event]) -> Iterator[Event]:
    for place, event in enumerate(events):
        told = event.model_fields_set
        known = {
            "event_id": event.event_id if "event_id" in told else f"{message.place}:{place}",
            # Those of one message in their order.
            "timestamp": event.timestamp or message.at + datetime.timedelta(microseconds=place),
        }
        yield event.model_copy(update=known)
