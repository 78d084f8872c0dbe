"""A Flink on loopback: a job manager, task managers and Beam's job server, each a process of its own.

All of them are started from Maven's plain libraries (`pom.xml`), which hold what Beam's published job server is a shaded jar of,
and all of Flink but its web pages and scripts. So task managers have what a job needs without being sent it.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import time
import urllib.request
from types import TracebackType
from typing import Any

from benchmarks.cluster.processes import PATIENCE_S, ended, listening, started
from benchmarks.shared.ports import free_port

POM = pathlib.Path(__file__).with_name("pom.xml")
HERE = "127.0.0.1"
TASK_MANAGERS = 2
_MODULES = ("java.lang", "java.net", "java.io", "java.nio", "java.text", "java.time", "java.util")
_OPENED = (
    *_MODULES,
    "java.lang.reflect",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "sun.nio.ch",
)
"""Packages of Java that Flink 1.19 reaches into from Java 17 on, as its own scripts open them."""


class NoFlink(Exception):
    """Why there can be no Flink here, in one line."""


def jars(folder: pathlib.Path) -> pathlib.Path:
    """Returns the folder of the jars, fetched by Maven where they aren't there yet.

    Raises:
        NoFlink: no Java, no Maven, or Maven could not get the packages.
    """
    for program in ("java", "mvn"):
        if not shutil.which(program):
            raise NoFlink(f"there is no `{program}` on the PATH: install Java 11 or 17, and Maven")
    # Maven takes what isn't absolute for a folder beside the file it is given.
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    kept, whole = folder / "jars", folder / "pom.xml"
    if whole.exists() and whole.read_bytes() == POM.read_bytes():
        return kept
    shutil.rmtree(kept, ignore_errors=True)
    asked = ("mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime")
    done = subprocess.run([*asked, f"-DoutputDirectory={kept}"], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if "ERROR" in line]
        raise NoFlink(f"Maven could not get Flink's packages: {' '.join(lines[:1])[:400]}")
    # The sign that all of them are there.
    shutil.copyfile(POM, whole)
    return kept


class Flink:
    """A job manager, task managers of two slots, and Beam's job server, between `with` and its end."""

    def __init__(
        self, folder: pathlib.Path, cached: pathlib.Path, task_managers: int = TASK_MANAGERS
    ) -> None:
        """Starts nothing yet.

        Args:
            folder: an empty one, for the processes' logs and what they put aside.
            cached: where the jars are kept from run to run.
            task_managers: how many.

        Raises:
            NoFlink: there can be none here.
        """
        self._folder, self._jars, self._count = folder, jars(cached.absolute()), task_managers
        self.job_server = f"{HERE}:{free_port()}"
        self._rest, self._rpc = free_port(), free_port()
        self._started: list[subprocess.Popen[bytes]] = []
        self.task_managers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Flink:
        """Starts all of it, and waits until the task managers have reported."""
        try:
            self._start()
        except BaseException:
            ended(self._started)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends all of it."""
        ended(self._started)

    def _start(self) -> None:
        conf = self._folder / "conf"
        conf.mkdir(parents=True)
        (conf / "config.yaml").write_text(self._settings(), encoding="utf-8")
        entry = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        listening(*self._java("job-manager", 384, self._rest, entry, "--configDir", str(conf)))
        for _ in range(self._count):
            self.add_task_manager()
        port = int(self.job_server.rpartition(":")[2])
        ports = (f"--job-port={port}", "--artifact-port=0", "--expansion-port=-1", f"--job-host={HERE}")
        where = (f"--flink-master={HERE}:{self._rest}", f"--flink-conf-dir={conf}")
        listening(
            *self._java(
                "job-server",
                512,
                port,
                str(POM.with_name("JobServer.java")),
                *ports,
                *where,
                f"--artifacts-dir={self._folder / 'staged'}",
            )
        )
        end = time.monotonic() + PATIENCE_S
        while len(self.asked("/taskmanagers")["taskmanagers"]) < self._count:
            if time.monotonic() > end or any(process.poll() is not None for process in self.task_managers):
                raise RuntimeError(f"{self._count} task managers did not report; see {self._folder}")
            time.sleep(0.25)

    def add_task_manager(self) -> None:
        """Starts one more, and doesn't wait for it."""
        entry = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        name = f"task-manager-{len(self._started)}"
        process, _, _ = self._java(name, 512, 0, entry, "--configDir", str(self._folder / "conf"))
        self.task_managers.append(process)

    def kill_task_manager(self) -> None:
        """Kills the oldest one that is left, as a machine that goes would."""
        lost = self.task_managers.pop(0)
        lost.kill()
        lost.wait()

    @property
    def sessions(self) -> list[int]:
        """Of all its processes."""
        return [process.pid for process in self._started]

    def asked(self, path: str) -> Any:
        """Returns what Flink's REST interface says at a path."""
        with urllib.request.urlopen(f"http://{HERE}:{self._rest}{path}", timeout=30) as answer:
            return json.load(answer)

    def jobs(self) -> list[Any]:
        """Every job so far, as `/jobs/<id>` tells it."""
        return [self.asked(f"/jobs/{job['id']}") for job in self.asked("/jobs")["jobs"]]

    def _java(
        self, name: str, heap_mb: int, port: int, *words: str
    ) -> tuple[subprocess.Popen[bytes], int, pathlib.Path]:
        log = self._folder / f"{name}.log"
        options = (
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            f"-Xmx{heap_mb}m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:MaxMetaspaceSize=192m",
        )
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        process = started(["java", *options, *opened, "-cp", f"{self._jars}/*", *words], log)
        self._started.append(process)
        return process, port, log

    def _settings(self) -> str:
        """Flink's settings: of loopback alone, small, and with a job begun again where a task manager was lost."""
        told = {
            "jobmanager.rpc.address": HERE,
            "jobmanager.rpc.port": self._rpc,
            "jobmanager.bind-host": HERE,
            "rest.address": HERE,
            "rest.bind-address": HERE,
            "rest.port": self._rest,
            "taskmanager.host": HERE,
            "taskmanager.bind-host": HERE,
            "taskmanager.numberOfTaskSlots": 2,
            "cluster.evenly-spread-out-slots": "true",
            "parallelism.default": self._count,
            # Both have all classes already.
            "classloader.resolve-order": "parent-first",
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 3,
            "restart-strategy.fixed-delay.delay": "2 s",
            "heartbeat.interval": 1_000,
            "heartbeat.timeout": 20_000,
            "io.tmp.dirs": self._folder / "tmp",
            # Flink's scripts would calculate these.
            "taskmanager.cpu.cores": 1.0,
            "taskmanager.memory.framework.heap.size": "128m",
            "taskmanager.memory.task.heap.size": "384m",
            "taskmanager.memory.framework.off-heap.size": "64m",
            "taskmanager.memory.task.off-heap.size": "64m",
            "taskmanager.memory.managed.size": "128m",
            "taskmanager.memory.network.min": "128m",
            "taskmanager.memory.network.max": "128m",
            # Of each shuffle; a job of TFDV has dozens.
            "taskmanager.network.sort-shuffle.min-buffers": 32,
            "taskmanager.memory.jvm-metaspace.size": "192m",
            "taskmanager.memory.jvm-overhead.min": "64m",
            "taskmanager.memory.jvm-overhead.max": "64m",
        }
        return "".join(f"{name}: {value}\n" for name, value in told.items())
