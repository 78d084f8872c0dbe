"""What Kubeflow Pipelines' driver and launcher do with a specification, in this process.

After its sources (`backend/src/v2`: `driver/resolve.go`, `driver/driver.go`, `component/launcher_v2.go`,
`metadata/converter.go`). What is left out: Kubernetes, the cache, and ML Metadata, of which a list of artifacts stands in.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import resource
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.s3_server import free_port

Message = dict[str, Any]
TAIL = 3000
"""Characters of a failed step's log that its error shows."""


class StepFailed(Exception):
    """A step's process ended with another exit code than 0."""

    def __init__(self, name: str, code: int, log: str) -> None:
        """Keeps the step's name, its exit code and what it printed."""
        super().__init__(f"{name} ended with {code}:\n{log[-TAIL:]}")
        self.name, self.code, self.log = name, code, log


@dataclasses.dataclass(frozen=True)
class Copier:
    """How the launcher reaches a store.

    Attributes:
        download: from a URI to a local path; of a URI under which nothing lies, nothing.
        upload: from a local path to a URI.
    """

    download: Callable[[str, pathlib.Path], None]
    upload: Callable[[pathlib.Path, str], None]


@dataclasses.dataclass
class Backend:
    """Runs each step of a specification as a process, in the order of its DAG.

    Attributes:
        spec: the specification.
        root: of the artifacts; a local folder stands for a volume that all steps share.
        programs: folder of the installation's programs, `python` among them.
        folder: for what is a container's: its disk, its logs.
        environment: of the containers, beside PATH and HOME.
        copier: of the store that `root` is in; None where it is local.
        seconds: of the processors that each step took.
    """

    spec: Message
    root: str
    programs: pathlib.Path
    folder: pathlib.Path
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    copier: Copier | None = None
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing has been made yet."""
        self._made: dict[tuple[str, str], Message] = {}
        self._run = uuid.uuid4().hex

    @property
    def mounts(self) -> pathlib.Path:
        """Where the launcher's `/s3` lies."""
        return self.folder / "mounts"

    def run(self) -> dict[tuple[str, str], Message]:
        """Runs all steps.

        Returns:
            The artifacts by task and output.

        Raises:
            StepFailed: a step did.
        """
        for name in in_order(self.spec["root"]["dag"]["tasks"]):
            before = _processor_seconds()
            made = self.step(name)
            self.seconds[name] = round(_processor_seconds() - before, 1)
            self._made.update({(name, key): artifact for key, artifact in made.items()})
        return self._made

    def step(self, name: str, workers: int = 1) -> dict[str, Message]:
        """Runs a step for which all is there that it waits for.

        Args:
            name: of its task.
            workers: processes that run it together, each as TF_CONFIG tells it.

        Returns:
            The artifacts by output.

        Raises:
            StepFailed: a process of it did.
        """
        task = self.spec["root"]["dag"]["tasks"][name]
        component = self.spec["components"][task["componentRef"]["name"]]
        container = self.spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        inputs = {
            "parameterValues": _parameters(task, component),
            "artifacts": {
                key: {"artifacts": [self._input(value["taskOutputArtifact"])]}
                for key, value in task.get("inputs", {}).get("artifacts", {}).items()
            },
        }
        given = {"inputs": inputs, "outputs": self._outputs(name, component)}
        self._fetch(inputs)
        self._processes(name, [*container["command"], *container["args"]], given, _parts(workers))
        return self._published(component, given["outputs"])

    def _input(self, source: Message) -> Message:
        """An artifact as ML Metadata gives it back: by its number, and of no type."""
        key = (source["producerTask"], source["outputArtifactKey"])
        number = list(self._made).index(key) + 1
        kept = {"display_name": key[1], "store_session_info": "{}"}
        made = self._made[key]
        return {
            "name": str(number),
            "uri": made["uri"],
            "type": {"instanceSchema": ""},
            "metadata": {**made.get("metadata", {}), **kept},
        }

    def _outputs(self, name: str, component: Message) -> Message:
        folder = f"{self.root}/{self.spec['pipelineInfo']['name']}/{self._run}/{name}/{uuid.uuid4()}"
        artifacts = {
            key: {
                "artifacts": [
                    {
                        "name": key,
                        "uri": f"{folder}/{key}",
                        "type": defined["artifactType"],
                        "metadata": defined.get("metadata", {}),
                    }
                ]
            }
            for key, defined in component.get("outputDefinitions", {}).get("artifacts", {}).items()
        }
        return {"artifacts": artifacts, "outputFile": str(self._local(folder) / "output_metadata.json")}

    def _local(self, uri: str) -> pathlib.Path:
        scheme, separator, path = uri.partition("://")
        return self.mounts / scheme / path if separator else pathlib.Path(uri)

    def _fetch(self, inputs: Message) -> None:
        for artifacts in inputs["artifacts"].values():
            for artifact in artifacts["artifacts"]:
                if self.copier:
                    self.copier.download(artifact["uri"], self._local(artifact["uri"]))

    def _processes(self, name: str, words: list[str], given: Message, parts: list[Message]) -> None:
        """Runs the step's command line, once for each part's environment, at the same time."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        for artifacts in given["outputs"]["artifacts"].values():
            for artifact in artifacts["artifacts"]:
                self._local(artifact["uri"]).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(given)
        path = f"{self.programs}{os.pathsep}/usr/bin{os.pathsep}/bin"
        environment = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", **self.environment}
        logs = [self.folder / f"{name}-{number}.log" for number in range(len(parts))]
        with contextlib.ExitStack() as opened:
            running = [
                subprocess.Popen(
                    [str(self.programs / words[0]), *(word.replace("{{$}}", text) for word in words[1:])],
                    cwd=home,
                    env={**environment, **part},
                    stdout=opened.enter_context(log.open("w", encoding="utf-8")),
                    stderr=subprocess.STDOUT,
                )
                for log, part in zip(logs, parts, strict=True)
            ]
            codes = _ended(running)
        # What failed by itself, before what was ended since it had.
        for code, log in sorted(zip(codes, logs, strict=True), reverse=True):
            if code:
                raise StepFailed(name, code, log.read_text(encoding="utf-8", errors="replace"))

    def _published(self, component: Message, outputs: Message) -> dict[str, Message]:
        """The step's artifacts with what it says of them, when what it wrote has been copied to the store."""
        told = pipeline_spec_pb2.ExecutorOutput()
        path = pathlib.Path(outputs["outputFile"])
        if path.is_file():
            json_format.Parse(path.read_text(encoding="utf-8"), told, ignore_unknown_fields=False)
        said, made = json_format.MessageToDict(told).get("artifacts", {}), {}
        for key in component.get("outputDefinitions", {}).get("artifacts", {}):
            (artifact,) = outputs["artifacts"][key]["artifacts"]
            for other in said.get(key, {}).get("artifacts", ())[:1]:
                artifact["uri"] = other.get("uri") or artifact["uri"]
                artifact["metadata"] = {**artifact["metadata"], **other.get("metadata", {})}
            if self.copier:
                self.copier.upload(self._local(artifact["uri"]), artifact["uri"])
            made[key] = artifact
        # The next container's disk is empty.
        shutil.rmtree(self.mounts, ignore_errors=True)
        return made


def in_order(tasks: Mapping[str, Message]) -> Iterator[str]:
    """Yields the tasks of a DAG, each after those that it waits for; raises ValueError where some wait for each other."""
    done: set[str] = set()
    while len(done) < len(tasks):
        ready = [name for name in tasks if name not in done and done.issuperset(_waits(tasks[name]))]
        if not ready:
            raise ValueError(f"these wait for each other or for none there is: {sorted(set(tasks) - done)}")
        yield from ready
        done.update(ready)


def _parts(workers: int) -> list[Message]:
    """What tells each of some processes that train together which of them it is; nothing to one alone."""
    if workers == 1:
        return [{}]
    cluster = {"worker": [f"127.0.0.1:{free_port()}" for _ in range(workers)]}
    tasks = ({"type": "worker", "index": number} for number in range(workers))
    return [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})} for task in tasks]


def _ended(running: list[subprocess.Popen[bytes]]) -> list[int]:
    """The exit codes of processes that need each other: where one fails the others, which wait for it, are ended."""
    while any(process.poll() is None for process in running):
        if any(process.returncode for process in running):
            for process in running:
                process.kill()
        time.sleep(0.1)
    return [process.returncode for process in running]


def _processor_seconds() -> float:
    """Of all processes that this one started and that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _waits(task: Message) -> set[str]:
    """What a task waits for, as it says; that it names every producer, another test holds."""
    return set(task.get("dependentTasks", ()))


def _parameters(task: Message, component: Message) -> Message:
    """The values of a step's parameters; raises ValueError where one lacks or is of another type than it is defined."""
    given = {
        key: value["runtimeValue"]["constant"]
        for key, value in task.get("inputs", {}).get("parameters", {}).items()
    }
    kinds = {"STRING": str, "NUMBER_INTEGER": (int, float), "NUMBER_DOUBLE": (int, float)}
    for key, defined in component.get("inputDefinitions", {}).get("parameters", {}).items():
        if not isinstance(given.get(key), kinds[defined["parameterType"]]):
            raise ValueError(f"{key} is {given.get(key)!r}; expected a {defined['parameterType']}")
    return given
