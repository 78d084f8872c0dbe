"""A server of Google Cloud Storage on this machine: a fake-gcs-server that holds one bucket in memory."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping

from tests.s3_server import BUCKET, free_port, wait_for

INSTALL = "no fake-gcs-server is installed (go install github.com/fsouza/fake-gcs-server@v1.56.1, and its bin on the PATH)"


def installed() -> str:
    """The program, on the PATH or where Go puts it; "" where there is none."""
    own = pathlib.Path(os.environ.get("GOBIN") or pathlib.Path.home() / "go" / "bin")
    return shutil.which("fake-gcs-server") or shutil.which("fake-gcs-server", path=own) or ""


@contextlib.contextmanager
def gcs_server() -> Iterator[Mapping[str, str]]:
    """Runs one, and yields what tells a client of it; raises RuntimeError where it doesn't listen."""
    address = f"127.0.0.1:{free_port()}"
    host, _, port = address.partition(":")
    where = ("-host", host, "-port", port, "-public-host", address)
    words = [installed(), "-backend", "memory", "-scheme", "http", *where]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(process, address)
        made = urllib.request.Request(
            f"http://{address}/storage/v1/b?project=shop",
            json.dumps({"name": BUCKET}).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(made).close()
        yield {"STORAGE_EMULATOR_HOST": f"http://{address}"}
    finally:
        process.terminate()
        process.wait()
