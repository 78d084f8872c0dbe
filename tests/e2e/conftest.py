"""A small shop and a run of the real pipeline on it, by the installed wheel, in a folder of a user's own."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

SETTINGS = (
    # As shop.toml of docs/tables.md and pretrained.toml of docs/pretraining.md have it, whose runs find it all done.
    "gate.max_quarantined_share=0.05",
    "labels.test_days=14",
    "pretrain.steps=2",
    "retrieval.steps=120",
    "retrieval.batch=256",
    "ranker.layers=1",
    "ranker.epochs=1",
    "ranker.text_rows=500",
    "candidates.users=60",
    "candidates.test_users=60",
    "evaluator.resamples=100",
    "bless.min_auc=0.0",
    "bless.popularity_ratio=0.01",
    "bless.baseline_ratio=0.0",
    "bless.max_drop=1.0",
)
"""What makes a run small, and its model blessed whatever it has learnt."""
SMALL = tuple(word for setting in SETTINGS for word in ("--set", setting))


@dataclasses.dataclass(frozen=True)
class User:
    """Somebody who installed the wheel and works in a folder of theirs."""

    bin: pathlib.Path
    home: pathlib.Path

    @property
    def environment(self) -> dict[str, str]:
        """Of the user's shell."""
        return {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.home)}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            command,
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *command: str, log: pathlib.Path) -> subprocess.Popen[str]:
        """Starts a command; what it prints goes to `log`."""
        with log.open("w", encoding="utf-8") as file:
            return subprocess.Popen(
                command, cwd=self.home, env=self.environment, stdout=file, stderr=file, text=True
            )

    def trained(self, node: str) -> list[str]:
        """The models that a Trainer of the run into `out/` finished."""
        return sorted(
            str(path) for path in (self.home / "out" / "artifacts" / node).glob("model/*/Format-Serving")
        )


@pytest.fixture(autouse=True)
def together(request: pytest.FixtureRequest) -> None:
    """Fails where these tests are spread over processes: each would run the pipeline anew, out of order."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    assert alone or request.node.nodeid.endswith("@e2e"), "run with --dist loadgroup (make test does)"


@pytest.fixture(scope="session")
def user(installed: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> User:
    """Somebody with a dirty shop in `shop/`."""
    user = User(installed, tmp_path_factory.mktemp("home"))
    size = ("--users", "150", "--items", "120", "--days", "40", "--seed", "5", "--dirt", "0.03")
    done = user.run("aisle", "simulate", "shop", *size)
    assert done.returncode == 0, done.stderr
    return user


@pytest.fixture(scope="session")
def killed(user: User) -> list[str]:
    """The two-towers trained by a run into `out/` that was killed with SIGKILL in the ranking Trainer."""
    out, log = user.home / "out", user.home / "killed.log"
    trainer = out / "artifacts" / "Trainer.ranking"
    process = user.start("aisle", "run", "shop", "--out", "out", *SMALL, log=log)
    while process.poll() is None and not trainer.exists():
        time.sleep(0.2)
    assert trainer.exists(), log.read_text(encoding="utf-8")[-3000:]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "serving").exists()
    return user.trained("Trainer.two_tower")


@pytest.fixture(scope="session")
def output(user: User, killed: list[str]) -> pathlib.Path:
    """The output of that run, once it was repeated to its end."""
    assert len(killed) == 1
    done = user.run("aisle", "run", "shop", "--out", "out", *SMALL)
    assert done.returncode == 0, done.stderr[-3000:]
    assert user.trained("Trainer.two_tower") == killed, "the two-tower was trained again"
    shutil.copytree(user.home / "out" / "reports", user.home / "first-reports")
    return user.home / "out"


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """The words that make `aisle run` small."""
    return SMALL


@pytest.fixture(scope="session")
def served(user: User, output: pathlib.Path) -> Iterator[str]:
    """HOST:PORT of `aisle serve` on that output."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = user.home / "serve.log"
    process = user.start("aisle", "serve", "--out", "out", "--port", str(port), log=log)
    while "listening on" not in log.read_text(encoding="utf-8"):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.1)
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait()
