"""`aisle listen`."""

from __future__ import annotations

import asyncio
import pathlib
import signal
from typing import TYPE_CHECKING

import click

from aisle.cli.live.gateway import listen as taken
from aisle.cli.live.gateway import remember_days

if TYPE_CHECKING:
    from aisle.gateway.listening.refused import Refused
    from aisle.gateway.listening.source import Source
    from aisle.gateway.recording import Recording


@click.command()
@click.argument("source")
@click.option(
    "--store",
    required=True,
    help="Where recent events are kept: redis://HOST:PORT, which the gateways share.",
)
@remember_days
@click.option(
    "--log",
    "log_folder",
    default="listened",
    show_default=True,
    type=click.Path(),
    help="Data folder whose events/ is written, an hour a file; one process's alone.",
)
@click.option(
    "--metrics-port", type=click.IntRange(1, 65_535), help="Tell Prometheus on this port of 127.0.0.1."
)
def listen(source: str, store: str, remember_days: float, log_folder: str, metrics_port: int | None) -> None:
    """Record the events of a stream as `aisle gateway` records those of a site, until it is stopped.

    SOURCE is redis://, nats:// or kafka://HOST:PORT?stream=NAME&group=NAME. A message is an event or a list of events as
    JSON; it is acknowledged once it is safe, and what holds no event is kept, with its reason, in refused/ of the log's
    folder. See docs/gateway.md.
    """
    import prometheus_client

    from aisle.gateway.ads.charging import Charging
    from aisle.gateway.ads.ledger import open_ledger
    from aisle.gateway.listening.refused import Refused
    from aisle.gateway.listening.source import open_source
    from aisle.gateway.log import EventLog
    from aisle.gateway.recents.delivery import Delivery
    from aisle.gateway.recents.store import open_store
    from aisle.gateway.recording import Recording, utc_now
    from aisle.schema.errors import InputError

    if store == "memory":
        raise InputError(
            "--store is memory, where no gateway would see the events; expected redis://HOST:PORT"
        )
    folder = pathlib.Path(log_folder)
    stream = open_source(source, _name(folder))
    recents = Delivery(open_store(store, remember_days * 86_400))
    log = EventLog(folder, utc_now)
    # What the gateways of the store sold is paid for, whichever way its clicks come.
    recording = Recording(recents, log, charging=Charging(open_ledger(store, folder, utc_now)))
    if metrics_port:
        taken("127.0.0.1", metrics_port, "--metrics-port").close()
        prometheus_client.start_http_server(metrics_port, "127.0.0.1", recording.metrics.registry)
    asyncio.run(_listen(stream, recording, Refused(folder)))


async def _listen(stream: Source, recording: Recording, refused: Refused) -> None:
    from aisle.gateway.listening.listener import Listener

    listener = Listener(stream, recording, refused)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, listener.stop)
    try:
        async with recording.running():
            click.echo("listening")
            await listener.run()
    finally:
        await stream.close()


def _name(folder: pathlib.Path) -> str:
    """Of this listener among its group: the same at each start, since its folder is no other's."""
    import hashlib
    import socket

    place = f"{socket.gethostname()}:{folder.resolve()}"
    return hashlib.blake2b(place.encode(), digest_size=8).hexdigest()
