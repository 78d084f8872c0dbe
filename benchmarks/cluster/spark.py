"""A Spark on loopback: a master, workers and Beam's job server, each a process of its own, as are the workers' executors."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

from benchmarks.cluster.engine import HERE, Engine, asked, wait_until
from benchmarks.cluster.portable import WORKERS
from benchmarks.shared.ports import free_port


class Spark(Engine):
    """A master, workers of one core, and Beam's job server, which is each job's driver, between `with` and its end.

    A job is an application of Spark's, with executors of its own: one of each worker.
    """

    name = "spark"
    driver = "org.apache.beam.runners.spark.SparkJobServerDriver"
    opened = (
        *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio"),
        *("java.util", "java.util.concurrent", "java.util.concurrent.atomic"),
        *("jdk.internal.ref", "sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar"),
    )

    def __init__(self, folder: pathlib.Path, cached: pathlib.Path) -> None:
        """Starts nothing yet; see `Engine`."""
        super().__init__(folder, cached)
        self._master, self._pages = free_port(), free_port()
        self._events = folder / "events"
        self.workers: list[subprocess.Popen[bytes]] = []
        # Spark's pages listen where the second says; a worker starts executors from the first's `jars`.
        self.env = {
            "SPARK_HOME": str(self.jars.parent),
            "SPARK_LOCAL_IP": HERE,
            "SPARK_LOCAL_DIRS": str(folder / "tmp"),
            "SPARK_SCALA_VERSION": "2.12",
        }

    def start(self) -> None:
        """Starts all of it, and waits until the workers have reported."""
        self._events.mkdir(parents=True)
        where = ("--host", HERE, "--port", str(self._master), "--webui-port", str(self._pages))
        self.java("master", 256, "org.apache.spark.deploy.master.Master", *where, port=self._master)
        for _ in range(WORKERS):
            self.add_worker()
        told = [f"-D{name}={value}" for name, value in self._settings().items()]
        self.take_jobs(f"--spark-master-url={self._url}", defined=tuple(told))
        wait_until(
            lambda: (
                sum(one["state"] == "ALIVE" for one in asked(self._pages, "/json/")["workers"]) >= WORKERS
            ),
            f"{WORKERS} workers did not report; see {self.folder}",
            self.workers,
        )

    def add_worker(self) -> None:
        """Starts one more, and doesn't wait for it."""
        name = f"worker-{len(self.started)}"
        size = ("--cores", "1", "--memory", "512m", "--work-dir", str(self.folder / name))
        where = ("--host", HERE, "--webui-port", "0", *size, self._url)
        self.workers.append(self.java(name, 128, "org.apache.spark.deploy.worker.Worker", *where))

    def kill_worker(self) -> None:
        """Kills the oldest one that is left, as a machine that goes would: its executors end when they miss it."""
        lost = self.workers.pop(0)
        lost.kill()
        lost.wait()

    def jobs(self) -> list[str]:
        """The names of all jobs so far, in the order in which they began."""
        return sorted(path.name.removesuffix(".inprogress") for path in self._events.iterdir())

    def happened(self, kind: str, job: str) -> list[Any]:
        """What happened in a job of a kind, in order: Spark's events, of which it writes down some a while later."""
        path = self._events / job
        try:
            lines = path.with_name(f"{job}.inprogress").read_bytes().splitlines()
        except FileNotFoundError:
            # It is done, by now at least.
            lines = path.read_bytes().splitlines()
        # The last line may be half written.
        told = (json.loads(line) for line in lines if line.endswith(b"}"))
        return [event for event in told if event["Event"] == f"SparkListener{kind}"]

    def lost_tasks(self, job: str) -> int:
        """How many tasks of a job were lost with their executor, or with what those before them had made there."""
        lost = ("ExecutorLostFailure", "FetchFailed", "Resubmitted")
        return sum(end["Task End Reason"]["Reason"] in lost for end in self.happened("TaskEnd", job))

    @property
    def _url(self) -> str:
        return f"spark://{HERE}:{self._master}"

    def _settings(self) -> dict[str, object]:
        """Spark's settings for a job: of loopback alone, and small."""
        return {
            "spark.driver.host": HERE,
            "spark.driver.bindAddress": HERE,
            "spark.ui.enabled": "false",
            "spark.default.parallelism": WORKERS,
            "spark.executor.memory": "512m",
            "spark.executor.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": self._events.absolute().as_uri(),
        }
