"""An engine's processes on loopback, of Java: those of Flink or Spark, and Beam's job server.

All of them are started from Maven's plain libraries (`pom.xml`), which hold what Beam's published job servers are shaded jars of,
and all of the engine but its web pages and scripts. So what works has what a job needs without being sent it.
"""

from __future__ import annotations

import abc
import json
import pathlib
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from benchmarks.cluster.processes import PATIENCE_S, ended, listening, started
from benchmarks.shared.ports import free_port

if TYPE_CHECKING:
    from typing_extensions import Self

POM = pathlib.Path(__file__).with_name("pom.xml")
HERE = "127.0.0.1"


class NoEngine(Exception):
    """Why there can be none here, in one line."""


def jars(name: str, folder: pathlib.Path) -> pathlib.Path:
    """Returns the folder of an engine's jars, fetched by Maven where they aren't there yet.

    Args:
        name: `flink` or `spark`, a profile of `pom.xml`.
        folder: where those of each engine are kept, absolute: Maven takes another for one beside the file it is given.

    Raises:
        NoEngine: no Java, no Maven, or Maven could not get the packages.
    """
    for program in ("java", "mvn"):
        if not shutil.which(program):
            raise NoEngine(f"there is no `{program}` on the PATH: install Java 11 or 17, and Maven")
    kept, whole = folder / name / "jars", folder / name / "pom.xml"
    if whole.exists() and whole.read_bytes() == POM.read_bytes():
        return kept
    shutil.rmtree(kept, ignore_errors=True)
    asked = ("mvn", "-q", "-B", "-f", str(POM), "-P", name, "dependency:copy-dependencies")
    words = [*asked, "-DincludeScope=runtime", f"-DoutputDirectory={kept}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if "ERROR" in line]
        raise NoEngine(f"Maven could not get the packages of {name}: {' '.join(lines[:1])[:400]}")
    # The sign that all of them are there.
    shutil.copyfile(POM, whole)
    return kept


class Engine(abc.ABC):
    """Processes of Java that run between `with` and its end, a job server among them."""

    name: str
    """Its profile of `pom.xml`."""
    driver: str
    """The class of Beam's job server for it."""
    opened: tuple[str, ...]
    """Packages of Java that it reaches into from Java 17 on, as its own scripts open them."""

    def __init__(self, folder: pathlib.Path, cached: pathlib.Path) -> None:
        """Starts nothing yet.

        Args:
            folder: an empty one, for the processes' logs and what they put aside.
            cached: where the jars are kept from run to run.

        Raises:
            NoEngine: there can be none here.
        """
        self.folder, self.jars = folder, jars(self.name, cached.absolute())
        self.port = free_port()
        self.env: dict[str, str] = {}
        """What its processes have in their environment, too."""
        self.started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Starts all of it, and waits until it can work."""
        try:
            self.start()
        except BaseException:
            ended(self.started)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends all of it."""
        ended(self.started)

    @abc.abstractmethod
    def start(self) -> None:
        """Starts its processes."""

    @property
    def job_server(self) -> str:
        """Where jobs are handed in, HOST:PORT."""
        return f"{HERE}:{self.port}"

    @property
    def sessions(self) -> list[int]:
        """Of all its processes."""
        return [process.pid for process in self.started]

    def java(self, name: str, heap_mb: int, *words: str, port: int | None = None) -> subprocess.Popen[bytes]:
        """Starts a process that says into `NAME.log`, and waits until it listens on its port if it has one."""
        options = (
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            *(f"-Xmx{heap_mb}m", "-XX:MaxMetaspaceSize=192m"),
            *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        )
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in self.opened]
        log = self.folder / f"{name}.log"
        process = started(["java", *options, *opened, "-cp", f"{self.jars}/*", *words], log, self.env)
        self.started.append(process)
        if port is not None:
            listening(process, port, log)
        return process

    def take_jobs(self, *words: str, defined: tuple[str, ...] = ()) -> None:
        """Starts the job server, with `words` of where the engine is, and properties of Java."""
        ports = (f"--job-port={self.port}", "--artifact-port=0", "--expansion-port=-1", f"--job-host={HERE}")
        kept = f"--artifacts-dir={self.folder / 'staged'}"
        program = (*defined, str(POM.with_name("JobServer.java")), self.driver)
        self.java("job-server", 512, *program, *ports, kept, *words, port=self.port)


def wait_until(ready: Callable[[], bool], what: str, processes: list[subprocess.Popen[bytes]]) -> None:
    """Waits for something that processes do.

    Raises:
        RuntimeError: one of them ended, or it isn't so within five minutes; says `what`.
    """
    end = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > end or any(process.poll() is not None for process in processes):
            raise RuntimeError(what)
        time.sleep(0.25)


def asked(port: int, path: str) -> Any:
    """Returns what an engine's REST interface on loopback says at a path."""
    with urllib.request.urlopen(f"http://{HERE}:{port}{path}", timeout=30) as answer:
        return json.load(answer)
