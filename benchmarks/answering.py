"""A gRPC server that answers searches without a model: started in no time, for what is measured of the client."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import grpc

from aisle.serving.conversation import PREDICT
from aisle.serving.testing import FakeTransport


def answer(port: int) -> None:
    """Answers on the port until the process is ended."""
    fake = FakeTransport({"search": [("a", 2.0), ("b", 1.0)]})

    def predict(request: bytes, context: Any) -> bytes:
        fake.requests.clear()
        return fake.call(PREDICT, request, context.time_remaining())

    service, method = PREDICT[1:].split("/")
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    handlers = {method: grpc.unary_unary_rpc_method_handler(predict)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    threading.Event().wait()


class Restarting:
    """Such a server, ended by SIGKILL and started anew without importing anything.

    Attributes:
        target: HOST:PORT.
    """

    def __init__(self) -> None:
        """Starts it on a free port, and returns once somebody listens there."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.target = f"127.0.0.1:{port}"
        self._parent = subprocess.Popen(
            [sys.executable, __file__, str(port)], stdin=subprocess.PIPE, bufsize=0
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
