"""A Flink on loopback: a job manager, task managers and Beam's job server, each a process of its own."""

from __future__ import annotations

import pathlib
import subprocess
from typing import Any

from benchmarks.cluster.engine import HERE, Engine, asked, wait_until
from benchmarks.cluster.portable import WORKERS
from benchmarks.shared.ports import free_port

_MODULES = ("java.lang", "java.net", "java.io", "java.nio", "java.text", "java.time", "java.util")


class Flink(Engine):
    """A job manager, task managers of two slots, and Beam's job server, between `with` and its end."""

    name = "flink"
    driver = "org.apache.beam.runners.flink.FlinkJobServerDriver"
    opened = (
        *_MODULES,
        "java.lang.reflect",
        "java.util.concurrent",
        "java.util.concurrent.atomic",
        "sun.nio.ch",
    )

    def __init__(self, folder: pathlib.Path, cached: pathlib.Path) -> None:
        """Starts nothing yet; see `Engine`."""
        super().__init__(folder, cached)
        self._rest, self._rpc = free_port(), free_port()
        self.task_managers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Starts all of it, and waits until the task managers have reported."""
        conf = self.folder / "conf"
        conf.mkdir(parents=True)
        (conf / "config.yaml").write_text(self._settings(), encoding="utf-8")
        entry = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        self.java("job-manager", 384, entry, "--configDir", str(conf), port=self._rest)
        for _ in range(WORKERS):
            self.add_task_manager()
        self.take_jobs(f"--flink-master={HERE}:{self._rest}", f"--flink-conf-dir={conf}")
        wait_until(
            lambda: len(self.asked("/taskmanagers")["taskmanagers"]) >= WORKERS,
            f"{WORKERS} task managers did not report; see {self.folder}",
            self.task_managers,
        )

    def add_task_manager(self) -> None:
        """Starts one more, and doesn't wait for it."""
        entry = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        name = f"task-manager-{len(self.started)}"
        self.task_managers.append(self.java(name, 512, entry, "--configDir", str(self.folder / "conf")))

    def kill_task_manager(self) -> None:
        """Kills the oldest one that is left, as a machine that goes would."""
        lost = self.task_managers.pop(0)
        lost.kill()
        lost.wait()

    def asked(self, path: str) -> Any:
        """Returns what Flink's REST interface says at a path."""
        return asked(self._rest, path)

    def jobs(self) -> list[Any]:
        """Every job so far, as `/jobs/<id>` tells it."""
        return [self.asked(f"/jobs/{job['id']}") for job in self.asked("/jobs")["jobs"]]

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
            "parallelism.default": WORKERS,
            # Both have all classes already.
            "classloader.resolve-order": "parent-first",
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 3,
            "restart-strategy.fixed-delay.delay": "2 s",
            "heartbeat.interval": 1_000,
            "heartbeat.timeout": 20_000,
            "io.tmp.dirs": self.folder / "tmp",
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
