"""Who answers a command: a server, or the pushed model in this process."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from aisle.cli.ask.options import DEFAULT_OUT, DEFAULT_TARGET
from aisle.schema.errors import InputError

if TYPE_CHECKING:
    from aisle.serving.client.client import Client
    from aisle.serving.client.recommender import Recommender
    from aisle.serving.local import LocalModel

ONE_SECONDS, BATCH_SECONDS = 10.0, 120.0
"""Timeouts of a request of one question, and of one that holds many."""


@contextlib.contextmanager
def answering(target: str | None, out: str | None, batch: bool = False) -> Iterator[Recommender]:
    """Yields what answers, and closes it: the server at `target`, or the model pushed to `out`.

    Args:
        target: HOST:PORT.
        out: output folder of a run. Without either, a batch is answered by DEFAULT_OUT, one question by DEFAULT_TARGET.
        batch: whether many questions go into one request.

    Raises:
        InputError: both are given, the address is none, or nothing was pushed to the folder.
    """
    if target is not None and out is not None:
        raise InputError(
            f"--target {target} and --out {out} came together; give --target to ask a server, "
            "or --out to ask the pushed model without one"
        )
    if target is None and (batch or out is not None):
        yield _local(DEFAULT_OUT if out is None else out)
        return
    with _client(target or DEFAULT_TARGET, batch) as client:
        yield client


def _client(target: str, batch: bool) -> Client:
    """A client for who waits at a terminal: that there is no server is told at once, not at the timeout."""
    from aisle.serving.client.client import Client
    from aisle.serving.client.transport import MAX_MESSAGE_BYTES, Retry

    return Client(
        target,
        timeout=BATCH_SECONDS if batch else ONE_SECONDS,
        retry=Retry(attempts=4),
        max_message_bytes=MAX_MESSAGE_BYTES * (4 if batch else 1),
    )


def _local(out: str) -> LocalModel:
    from aisle.cli.quiet import quieten_tensorflow
    from aisle.pipeline.paths import Layout
    from aisle.serving.local import LocalModel
    from aisle.serving.releases.folders import require_version

    base = pathlib.Path(Layout(out).serving)
    require_version(base)  # Told before TensorFlow's slow import.
    click.echo(f"loading the newest version in {base}", err=True)
    quieten_tensorflow()
    return LocalModel(base)
