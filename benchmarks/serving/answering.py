"""A gRPC server that answers searches without a model: started in no time, for what is measured of the client."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

from aisle.serving.testing import FakeTransport, serve
from benchmarks.shared.ports import free_port


def answer(port: int) -> None:
    """Answers on the port until the process is ended."""
    server, _ = serve(Forgetful({"search": [("a", 2.0), ("b", 1.0)]}), port)
    server.wait_for_termination()


class Forgetful(FakeTransport):
    """A fake that is asked too much to keep it all."""

    def call(self, method: str, request: bytes, timeout: float) -> bytes:
        """See `Transport.call`."""
        self.requests.clear()
        return super().call(method, request, timeout)


class Restarting:
    """Such a server, ended by SIGKILL and started anew without importing anything.

    Attributes:
        target: HOST:PORT.
    """

    def __init__(self) -> None:
        """Starts it on a free port, and returns once somebody listens there."""
        port = free_port()
        self.target = f"127.0.0.1:{port}"
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.serving.answering", str(port)],
            stdin=subprocess.PIPE,
            bufsize=0,
        )
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)

    def restart(self, seconds: float) -> None:
        """Kills it, and starts it when it was away for so long."""
        self._say(b"k")
        time.sleep(seconds)
        self._say(b"s")

    def end(self) -> None:
        """Kills it for good."""
        self._say(b"k")
        self._parent.communicate()

    def _say(self, word: bytes) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.write(word)


def _obey(port: int) -> None:
    """Starts (s) and kills (k) the server as standard input says; gRPC is imported, and used by children alone."""
    child = _start(port)
    while word := sys.stdin.buffer.read(1):
        if word == b"s":
            child = _start(port)
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _start(port: int) -> int:
    child = os.fork()
    if not child:
        answer(port)
    return child


if __name__ == "__main__":
    _obey(int(sys.argv[1]))
