"""`aisle gateway`."""

from __future__ import annotations

import contextlib
import errno
import gc
import ipaddress
import pathlib
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from aisle.cli.finite import FiniteRange
from aisle.cli.live.ads import ad_options
from aisle.cli.live.between import stand_between

if TYPE_CHECKING:
    from fastapi import FastAPI

    from aisle.gateway.rpc.server import RpcServer
    from aisle.gateway.service import Gateway


remember_days = click.option(
    "--remember-days",
    default=7.0,
    show_default=True,
    type=FiniteRange(0, 365, min_open=True),
    help="How long an event is recent.",
)


@click.command()
@click.option(
    "--target", default="127.0.0.1:8500", show_default=True, help="HOST:PORT of the model's server."
)
@click.option("--label", help="Version label to ask, such as stable; the newest version without.")
@click.option(
    "--timeout",
    default=1.0,
    show_default=True,
    type=FiniteRange(min=0, min_open=True),
    help="Seconds of a question.",
)
@click.option(
    "--store",
    default="memory",
    show_default=True,
    help="Where recent events are kept: memory, or redis://HOST:PORT, which many gateways may share.",
)
@remember_days
@click.option(
    "--log",
    "log_folder",
    default="live",
    show_default=True,
    type=click.Path(),
    help="Data folder whose events/ is written, an hour a file; one gateway's alone.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0 for a free one."
)
@click.option(
    "--grpc-port", type=click.IntRange(0, 65_535), help="Answer gRPC, too, on this port; 0 for a free one."
)
@click.option(
    "--experiments",
    type=click.Path(),
    help="TOML file of A/B tests, as of `aisle experiment`, to whose arms whoever asks is assigned.",
)
@ad_options
@click.option("--key-file", type=click.Path(), help="File with the key; AISLE_GATEWAY_KEY without.")
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    help="Site whose pages may ask, such as https://shop.example; may be repeated.",
)
@click.option(
    "--rate",
    default=0.0,
    show_default=True,
    type=FiniteRange(min=0),
    help="Requests a second of an address; 0: any.",
)
@click.option(
    "--storefront", is_flag=True, help="Serve pages, too: a shop in a browser, and a console at /console."
)
@click.option(
    "--out", type=click.Path(), help="Output folder of `aisle run`, whose items and reports the pages show."
)
def gateway(
    target: str,
    label: str | None,
    timeout: float,
    store: str,
    remember_days: float,
    log_folder: str,
    host: str,
    port: int,
    grpc_port: int | None,
    experiments: str | None,
    key_file: str | None,
    origins: tuple[str, ...],
    rate: float,
    storefront: bool,
    out: str | None,
    **ads: Any,
) -> None:
    """Stand between a shop's site and the model's server, until it is stopped.

    Records events, so that the next answer knows them, and asks the model, over HTTP with JSON or gRPC; what happened and what
    was shown becomes files that the next `aisle run` reads. See docs/gateway.md.
    """
    from aisle.cli.experiment.shop import read_experiments
    from aisle.cli.live.shop import run_of
    from aisle.gateway.app import create_app
    from aisle.gateway.arms.assigning import Experiments
    from aisle.gateway.log import EventLog
    from aisle.gateway.pages.storefront import Shop, Storefront
    from aisle.gateway.recents.delivery import Delivery
    from aisle.gateway.recents.store import open_store
    from aisle.gateway.recording import utc_now
    from aisle.gateway.security import check_origins, read_key
    from aisle.gateway.stages import StagedClient
    from aisle.schema.errors import InputError

    if out and not storefront:
        raise InputError(f"--out {out} is for the pages; have them served by --storefront, or leave it out")
    check_origins(origins)
    key = _required(read_key(key_file), host)

    def open_client(asked: str | None) -> StagedClient:
        return StagedClient(target, timeout=timeout, label=asked)

    client = open_client(label)
    arms = Experiments(read_experiments(experiments), open_client) if experiments else None
    recents = Delivery(open_store(store, remember_days * 86_400))
    folder = pathlib.Path(log_folder)
    log = EventLog(folder, utc_now)  # Which takes the folder, or finds that another gateway has it.
    between = stand_between(client, recents, log, store, folder, ads, arms)
    front = Storefront(between, client, recents, key, Shop(), run_of(out)) if storefront else None
    listener = listen(host, port)
    address = f"http://{host}:{listener.getsockname()[1]}"
    rpc = None if grpc_port is None else _rpc_server(between, key, rate, host, grpc_port)
    beside = rpc.running() if rpc else contextlib.nullcontext()
    app = create_app(between, key, rate, origins, _telling(address, host, rpc), front, beside)
    answer(app, listener)


def _telling(address: str, host: str, rpc: RpcServer | None) -> Callable[[], None]:
    """What says where the gateway answers, once it does: until then gRPC may have no port."""

    def tell() -> None:
        click.echo(f"listening on {address}")
        if rpc:
            click.echo(f"gRPC on {host}:{rpc.port}")

    return tell


def answer(app: FastAPI, listener: socket.socket) -> None:
    """Has an application answer there until the process is told to end."""
    import uvicorn

    from aisle.gateway.quick.one_write import OneWrite

    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn ends in order on these, and then raises again what ended it.
        signal.signal(number, lambda *_: None)
    # What was imported lives as long as the process: looking through it for what is free would hold answers up.
    gc.freeze()
    config = uvicorn.Config(app, http=OneWrite, log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listener])


def _rpc_server(gateway: Gateway, key: str, rate: float, host: str, port: int) -> RpcServer:
    """What answers gRPC; raises InputError where it can't listen, which uvicorn would tell by a traceback."""
    from aisle.gateway.rpc.server import RpcServer

    listen(host, port, "--grpc-port").close()
    return RpcServer(gateway, key, rate, host, port)


def _required(key: str, host: str) -> str:
    """The key; raises InputError where there is none and others than this machine may ask."""
    from aisle.schema.errors import InputError

    try:
        alone = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        alone = False
    if not key and not alone:
        raise InputError(
            f"--host {host} lets others record events, and there is no key; give one by --key-file or AISLE_GATEWAY_KEY"
        )
    return key


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """A socket that listens there; raises InputError, which names the option that says the port."""
    from aisle.schema.errors import InputError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host.strip("[]"), port), family=family, backlog=2048)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        of_port = error.errno in (errno.EADDRINUSE, errno.EACCES)
        mend = f"choose a free {option}" if of_port else "name an address of this machine by --host"
        raise InputError(f"can't listen on {host}:{port}: {reason}; {mend}") from error
    # Its connections inherit it: without, an answer's end waits 40 ms for the other side to acknowledge its beginning.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
