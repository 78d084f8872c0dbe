"""A server of S3 on this machine: an s3rver over a folder, with one bucket."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping

from pyarrow import fs

KEYS = {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER", "AWS_REGION": "us-east-1"}
"""The ones that it knows."""
BUCKET = "shop"
INSTALL = "no s3rver is installed (npm install --global s3rver@3.7.1)"


@dataclasses.dataclass(frozen=True)
class S3Server:
    """A server that listens.

    Attributes:
        environment: what tells a client of it.
        client: of its own, which needs none.
    """

    environment: Mapping[str, str]
    client: fs.S3FileSystem


def installed() -> str:
    """The program; "" where there is none."""
    return shutil.which("s3rver") or ""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def s3_server(folder: pathlib.Path) -> Iterator[S3Server]:
    """Runs one over a folder, in which it makes its own; raises RuntimeError where it doesn't listen."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    where = ("--directory", str(folder), "--address", "127.0.0.1", "--port", str(port))
    words = [installed(), *where, "--configure-bucket", BUCKET]
    # It makes the token that goes on with a long list by a cipher that OpenSSL 3 has put aside.
    node = {**os.environ, "NODE_OPTIONS": "--openssl-legacy-provider"}
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=node)
    try:
        wait_for(process, address)
        client = fs.S3FileSystem(
            access_key=KEYS["AWS_ACCESS_KEY_ID"],
            secret_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            region=KEYS["AWS_REGION"],
            scheme="http",
            endpoint_override=address,
        )
        yield S3Server({**KEYS, "AWS_ENDPOINT_URL": f"http://{address}"}, client)
    finally:
        process.terminate()
        process.wait()


def wait_for(process: subprocess.Popen[bytes], address: str) -> None:
    """Returns when a server listens; raises RuntimeError where it doesn't."""
    host, _, port = address.partition(":")
    for _ in range(1000):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port))):
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError(f"{process.args} does not listen on {address}")
