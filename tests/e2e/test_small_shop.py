"""The real pipeline on a small simulated shop, from raw tables to a real gRPC server's answers."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

SETTINGS = (
    "retrieval.steps=120",
    "retrieval.batch=256",
    "ranker.layers=1",
    "ranker.epochs=1",
    "candidates.users=60",
    "candidates.test_users=60",
    "evaluator.resamples=100",
    "evaluator.min_gain_over_popularity=0.0",
    "bless.min_auc=0.0",
)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def aisle(*arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aisle.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def run_arguments(data: pathlib.Path, out: pathlib.Path) -> list[str]:
    sets = [word for setting in SETTINGS for word in ("--set", setting)]
    return ["run", str(data), "--out", str(out), *sets]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("shop") / "data"
    size = ("--users", "150", "--items", "120", "--days", "40", "--seed", "5", "--dirt", "0.03")
    done = aisle("simulate", str(folder), *size)
    assert done.returncode == 0, done.stderr
    return folder


def executions(out: pathlib.Path, node: str) -> list[str]:
    """The folders of a node's finished outputs."""
    return sorted(str(path) for path in (out / "artifacts" / node).glob("model/*/Format-Serving"))


@pytest.fixture(scope="module")
def output(shop: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A run that was killed with SIGKILL in the ranking Trainer, then repeated to its end."""
    out = tmp_path_factory.mktemp("run") / "out"
    log = out.parent / "killed.log"
    trainer = out / "artifacts" / "Trainer.ranking"
    with log.open("w", encoding="utf-8") as file:
        command = [sys.executable, "-m", "aisle.cli.main", *run_arguments(shop, out)]
        process = subprocess.Popen(command, stdout=file, stderr=file)
    deadline = time.monotonic() + 600
    while process.poll() is None and not trainer.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert trainer.exists(), log.read_text(encoding="utf-8")[-3000:]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "serving").exists()
    trained = executions(out, "Trainer.two_tower")
    assert len(trained) == 1
    done = aisle(*run_arguments(shop, out))
    assert done.returncode == 0, done.stderr[-3000:]
    assert executions(out, "Trainer.two_tower") == trained, "the two-tower was trained again"
    return out


def test_a_killed_run_is_finished_without_training_the_two_tower_again(output: pathlib.Path) -> None:
    assert len(executions(output, "Trainer.ranking")) == 1


def test_a_run_leaves_reports_logs_quarantine_and_one_version(output: pathlib.Path) -> None:
    for name in ("anomalies", "cleaning", "evaluation"):
        assert (output / "reports" / f"{name}.html").is_file()
        assert json.loads((output / "reports" / f"{name}.json").read_text(encoding="utf-8"))
    assert len(list((output / "serving" / "aisle").glob("[0-9]*"))) == 1
    assert any((output / "quarantine").iterdir())
    assert sorted(path.name for path in (output / "logs").iterdir()) == ["ranking", "two_tower"]


def test_every_row_read_is_used_merged_or_quarantined(output: pathlib.Path) -> None:
    ledger = json.loads((output / "reports" / "cleaning.json").read_text(encoding="utf-8"))
    for table in ledger["tables"].values():
        assert table["read"] == table["used"] + table["quarantined"] + table["merged"]
    assert ledger["tables"]["events"]["quarantined"] > 0


def test_the_evaluation_has_the_model_beside_its_baselines(output: pathlib.Path) -> None:
    report = json.loads((output / "reports" / "evaluation.json").read_text(encoding="utf-8"))
    assert len(report["systems"]) == 5
    for system in report["systems"]:
        assert 0 <= system["all"]["ndcg"] <= 1
        assert 0 < system["all"]["coverage"] <= 1


def test_a_repeated_run_does_nothing_again(shop: pathlib.Path, output: pathlib.Path) -> None:
    before = sorted(str(path) for path in (output / "artifacts").glob("*/*/*"))
    done = aisle(*run_arguments(shop, output))
    assert done.returncode == 0, done.stderr[-3000:]
    assert (
        sorted(str(path) for path in (output / "artifacts").glob("*/*/*") if "InfraBlessing" not in str(path))
        == before
    )


def test_a_server_process_answers_every_question(output: pathlib.Path) -> None:
    from aisle.serving.client import Client

    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1"}
    command = [
        sys.executable,
        "-m",
        "aisle.serving.server",
        "--base",
        str(output / "serving" / "aisle"),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "listening on" in line)
            client = Client(line.split()[-1])
            recommended = client.recommend("u00001", k=5)
            assert len(recommended) == 5
            assert len(client.recommend("nobody", k=5)) == 5
            assert len(client.search("cotton", k=5)) == 5
            assert not client.search("", k=5)
            item = recommended[0].item_id
            assert item not in [hit.item_id for hit in client.similar(item, k=5)]
        finally:
            process.terminate()
