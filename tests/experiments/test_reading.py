"""Experiments in a file: read back as they were written, and refused in one line where they are none."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest
import tomli

from aisle.experiments.analysis.reading import read_slices
from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.experiments.assignment.reading import read_experiment, read_running, written
from aisle.schema.errors import InputError

TEXT = """
[[experiment]]
name = "rerank"
coverage = 0.1
layer = "search page"
slot = [0.0, 0.5]
arms = [{name = "as-is", share = 0.5}, {name = "new", share = 0.5, label = "canary", settings = {exclude_seen = true}}]
forced = {tester = "new"}

[[experiment]]
name = "mail"
unit = "session_id"
[[experiment.arms]]
name = "a"
share = 0.5
[[experiment.arms]]
name = "b"
share = 0.5
policy = "popular"
"""
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "ab-tests.md"
ARMS = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]


def test_a_file_holds_experiments() -> None:
    rerank, mail = read_running(tomli.loads(TEXT)).experiments
    assert rerank == Experiment(
        "rerank",
        (Arm("as-is", 0.5), Arm("new", 0.5, label="canary", settings={"exclude_seen": True})),
        coverage=0.1,
        layer="search page",
        slot=(0.0, 0.5),
        forced={"tester": "new"},
    )
    assert (mail.unit, mail.arms[1].policy) == ("session_id", "popular")


def test_what_is_written_is_read_back() -> None:
    for experiment in read_running(tomli.loads(TEXT)).experiments:
        assert read_experiment(json.loads(json.dumps(written(experiment)))) == experiment
    assert written(Experiment("e", (Arm("a", 0.5), Arm("b", 0.5)))) == {"name": "e", "arms": ARMS}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "e", "arms": ARMS, "share": 0.1}, "unknown key 'share'; there are: name, arms, coverage"),
        ({"name": "e"}, "there is no arms; expected name, arms"),
        ({"arms": ARMS}, "there is no name"),
        ({"name": "e", "arms": "ab"}, "arms is 'ab'; expected tables"),
        ({"name": "e", "arms": [{"name": "a", "share": "half"}]}, "share is 'half'; expected a number"),
        ({"name": "e", "arms": [{"name": "a", "share": True}]}, "share is True; expected a number"),
        ({"name": "e", "arms": [{"name": "a"}]}, "an arm of the experiment 'e': there is no share"),
        ({"name": 3, "arms": ARMS}, "name is 3; expected a text"),
        ({"name": "e", "arms": ARMS, "slot": 0.5, "layer": "l"}, "slot is 0.5; expected from and to"),
        ({"name": "e", "arms": ARMS, "slot": [0.1], "layer": "l"}, "slot is"),
        ({"name": "e", "arms": ARMS, "forced": ["u"]}, "forced is"),
        ({"name": "e", "arms": ARMS[:1]}, "1 arms; expected two or more"),
    ],
)
def test_what_is_no_experiment_is_refused_in_one_line(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as found:
        read_experiment(values)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    "values", [{}, {"experiment": {}}, {"experiments": []}, {"experiment": [], "other": 1}]
)
def test_a_file_of_something_else_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"expected tables \[\[experiment\]\]"):
        read_running(values)


def test_what_the_document_shows_is_read() -> None:
    shown = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    blocks = [tomli.loads(block) for block in shown]
    read = [read_running({"experiment": block["experiment"]}) for block in blocks if "experiment" in block]
    assert [one.experiments[0].name for one in read] == ["rerank", "rerank by words"]
    slices = [one.by for block in blocks for one in read_slices(block.get("slice", []))]
    assert slices == ["known", "users.country", "users.age", "events.device"]
