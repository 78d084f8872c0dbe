"""Servers as processes of their own, on loopback."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence

PATIENCE_S = 300.0


@dataclasses.dataclass(frozen=True)
class Taken:
    """What processes took so far: seconds of processors, and bytes that they read from and wrote to files."""

    cpu: float
    read: int
    written: int

    def __sub__(self, earlier: Taken) -> Taken:
        """What they took since."""
        return Taken(self.cpu - earlier.cpu, self.read - earlier.read, self.written - earlier.written)


def started(
    words: Sequence[str], log: pathlib.Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a program in a session of its own, with more in its environment; what it says is appended to a file."""
    # A pool of workers starts `python`: it must be this one.
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with log.open("ab") as said:
        return subprocess.Popen(
            list(words),
            env={**os.environ, "PATH": path, **(env or {})},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def listening(process: subprocess.Popen[bytes], port: int, log: pathlib.Path) -> None:
    """Waits until a process listens on a port of loopback.

    Raises:
        RuntimeError: it ended, or does not listen within five minutes.
    """
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.25)
    how = "does not listen" if process.poll() is None else f"ended with {process.returncode}"
    last = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise RuntimeError(f"{process.args!r} {how}, and should listen on port {port}: {last}")


def ended(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ends processes, the last one first."""
    for process in reversed(processes):
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def taken(sessions: Collection[int]) -> Taken:
    """What the processes of some sessions took, with those of their children that have ended (proc(5): stat and io)."""
    cpu = read = written = 0
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        # One may end while it is looked at.
        with contextlib.suppress(OSError):
            fields = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) not in sessions:
                continue
            told = dict(
                line.split(": ") for line in (process / "io").read_text(encoding="utf-8").splitlines()
            )
            cpu += sum(map(int, fields[11:15]))
            read, written = read + int(told["rchar"]), written + int(told["wchar"])
    return Taken(cpu / os.sysconf("SC_CLK_TCK"), read, written)
