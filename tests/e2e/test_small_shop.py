"""The real pipeline on a small simulated shop, from raw tables to a real gRPC server's answers."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def test_a_killed_run_is_finished_without_training_the_two_tower_again(
    user: Any, killed: list[str], output: pathlib.Path
) -> None:
    # The fixture `output` compares, before other tests run with other settings.
    assert killed[0] in user.trained("Trainer.two_tower")
    assert user.trained("Trainer.ranking")


def test_a_run_leaves_reports_logs_quarantine_and_a_version(output: pathlib.Path) -> None:
    for name in ("anomalies", "cleaning", "evaluation"):
        assert (output / "reports" / f"{name}.html").is_file()
        assert json.loads((output / "reports" / f"{name}.json").read_text(encoding="utf-8"))
    assert list((output / "serving" / "aisle").glob("[0-9]*/saved_model.pb"))
    assert any((output / "quarantine").iterdir())
    assert sorted(path.name for path in (output / "logs").iterdir()) == [
        "Pretraining",
        "ranking",
        "run.log",
        "two_tower",
    ]


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
    # Later ones are held against it: tests/components/test_evaluator_last_blessed.py.
    assert report["last_blessed"]["compared"] is False
    assert len(list((output / "blessed").iterdir())) == 1


def test_a_model_below_a_threshold_is_not_pushed_and_the_old_one_stays(
    user: Any, output: pathlib.Path, small: tuple[str, ...]
) -> None:
    versions = sorted((output / "serving" / "aisle").iterdir())
    done = user.run("aisle", "run", "shop", "--out", "out", *small, "--set", "bless.min_ndcg=1.0")
    assert done.returncode == 4, done.stderr[-3000:]
    assert "was not blessed and not pushed" in done.stderr.splitlines()[-1]
    assert sorted((output / "serving" / "aisle").iterdir()) == versions
    report = json.loads((output / "reports" / "evaluation.json").read_text(encoding="utf-8"))
    assert "is below bless.min_ndcg=1" in report["blessing"]["reasons"][0]


def test_a_repeated_run_does_nothing_again_and_says_so(
    user: Any, output: pathlib.Path, small: tuple[str, ...]
) -> None:
    def made() -> list[str]:
        return sorted(str(path) for path in (output / "artifacts").glob("*/*/*"))

    before = made()
    shutil.rmtree(output / "quarantine")
    done = user.run("aisle", "run", "shop", "--out", "out", *small)
    assert done.returncode == 0, done.stderr[-3000:]
    assert made() == before
    steps = re.findall(r"^ *\d+:\d\d +(\d+)/(\d+) \S+(.*)$", done.stderr, re.MULTILINE)
    count = int(steps[0][1])
    assert [int(number) for number, _, _ in steps] == list(range(1, count + 1))
    assert {how for _, _, how in steps} == {" (done before)"}
    # Other tests ran with other settings since: what is shown is of this run all the same.
    for report in sorted((user.home / "first-reports").iterdir()):
        assert (output / "reports" / report.name).read_bytes() == report.read_bytes(), report.name
    assert (output / "quarantine" / "events.csv").is_file()


def test_a_server_process_answers_every_question(served: str) -> None:
    from aisle.serving import Client

    with Client(served) as client:
        recommended = client.recommend("u00001", k=5)
        assert len(recommended) == 5
        assert len(client.recommend("nobody", k=5)) == 5
        assert len(client.search("cotton", k=5)) == 5
        assert not client.search("", k=5)
        item = recommended[0].item_id
        assert item not in [hit.item_id for hit in client.similar(item, k=5)]
        scores = [hit.score for hit in client.rank("", "u00001", [hit.item_id for hit in recommended])]
        assert scores == sorted(scores, reverse=True)
