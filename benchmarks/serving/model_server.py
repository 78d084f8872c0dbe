"""The embedded server as a process of its own, and the questions that a benchmark asks it."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import psutil

from aisle.schema import contract
from aisle.serving.client import questions
from aisle.serving.client.questions import Question
from aisle.serving.releases.folders import require_version
from aisle.serving.wire import messages_pb2
from aisle.serving.wire.tensors import to_proto

QUESTIONS = 200
"""Different ones of each signature."""
CANDIDATES = 50
_HISTORY = 5
_WORDS = 2


class ModelServer:
    """A running server.

    Attributes:
        target: HOST:PORT, of a gateway http://HOST:PORT.
    """

    def __init__(self, process: subprocess.Popen[str], target: str) -> None:
        self._process = psutil.Process(process.pid)
        self.target = target

    def cpu(self) -> float:
        """Seconds of processor that it has used."""
        used = self._process.cpu_times()
        return float(used.user + used.system)

    def resident(self) -> int | None:
        """Bytes of memory that it holds; None once it has ended."""
        try:
            return int(self._process.memory_info().rss) if self._process.is_running() else None
        except psutil.NoSuchProcess:
            return None


@contextlib.contextmanager
def serving(out: pathlib.Path, *options: str) -> Iterator[ModelServer]:
    """Serves the newest version of an output folder by `aisle serve`, on a free port; raises RuntimeError."""
    with listening("serve", "--out", str(out), *options) as server:
        yield server


@contextlib.contextmanager
def listening(*command: str) -> Iterator[ModelServer]:
    """Runs a command of `aisle` that listens, on a free port and without a key, and ends it in order.

    Raises:
        RuntimeError: it ended instead; it said why on standard error.
    """
    words = [sys.executable, "-m", "aisle.cli.main", *command, "--port", "0"]
    keyless = {**os.environ, "AISLE_GATEWAY_KEY": ""}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=keyless)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"aisle {command[0]} ended with {process.wait()}")
        yield ModelServer(process, line.split()[-1])
    finally:
        process.terminate()
        process.wait()


def versions_folder(out: pathlib.Path) -> pathlib.Path:
    """Where the versions of an output folder lie."""
    return out / "serving" / contract.MODEL_NAME


def newest(out: pathlib.Path) -> pathlib.Path:
    """The folder of the newest version of an output folder; raises InputError where there is none."""
    versions = require_version(versions_folder(out))
    return versions[max(versions)]


def publish(model: pathlib.Path, out: pathlib.Path, version: int) -> None:
    """Shows the model as a version of an output folder, at once and without copying what is in its files."""
    base = versions_folder(out)
    base.mkdir(parents=True, exist_ok=True)
    hidden = base / f".pushing-{version}"
    shutil.copytree(model, hidden, copy_function=os.link)
    hidden.rename(base / str(version))


def make_questions(model: pathlib.Path, seed: int = 0) -> dict[str, list[Question]]:
    """`recommend`, `search` and `rank` for one visitor at a time, of the model's own items.

    A search is of two words that follow each other in a title; a visitor is anonymous and took five items.
    """
    path = model / contract.EXTRA_FOLDER / contract.TITLES_FILE
    titles: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    items, draw = list(titles), np.random.default_rng(seed)
    made: dict[str, list[Question]] = {"recommend": [], "search": [], "rank": []}
    for _ in range(QUESTIONS):
        words = titles[items[draw.integers(len(items))]].split()
        start = int(draw.integers(max(1, len(words) - _WORDS + 1)))
        query = " ".join(words[start : start + _WORDS])
        taken = [items[row] for row in draw.integers(len(items), size=_HISTORY)]
        candidates = [items[row] for row in draw.integers(len(items), size=CANDIDATES)]
        made["recommend"].append(questions.only(questions.recommend([""], [taken], False, 10)))
        made["search"].append(questions.only(questions.search([query], [""], 10)))
        made["rank"].append(questions.only(questions.rank([query], [""], [candidates])))
    return made


def serialized(question: Question) -> bytes:
    """The PredictRequest that asks it."""
    spec = messages_pb2.ModelSpec(name=contract.MODEL_NAME, signature_name=question.signature.name)
    inputs = {name: to_proto(value) for name, value in question.inputs.items()}
    payload: bytes = messages_pb2.PredictRequest(model_spec=spec, inputs=inputs).SerializeToString()
    return payload
