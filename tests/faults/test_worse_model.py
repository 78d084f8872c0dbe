"""Fault 37: the candidate is worse, or a metric is missing: not blessed, exit code 4, the old model stays."""

from __future__ import annotations

import pathlib
import runpy
import types
from typing import Any

import pytest
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from aisle.components.evaluator.blessing.thresholds import BlessOptions
from aisle.components.pusher.executor import Executor as Pusher
from aisle.components.tables import read_json
from aisle.pipeline.local import _result
from aisle.pipeline.paths import Layout
from aisle.schema.errors import NotBlessed

COMPONENTS = pathlib.Path(__file__).parents[1] / "components"
SHOP = types.SimpleNamespace(**runpy.run_path(str(COMPONENTS / "evaluated_shop.py")))
LENIENT = BlessOptions(popularity_ratio=0.01, baseline_ratio=0.0)


class Runs:
    """The last steps of runs into one output folder."""

    def __init__(self, root: pathlib.Path) -> None:
        self.layout = Layout(str(root))
        self.data = SHOP.interactions(root / "in")
        self.served = pathlib.Path(self.layout.serving)

    def run(self, model: Any, thresholds: BlessOptions, **inputs: Any) -> list[str]:
        """Evaluates and pushes; returns the reasons.

        Raises:
            NotBlessed: as the command does.
        """
        root = pathlib.Path(self.layout.root)
        given = {"model": model, "interactions": self.data, **inputs}
        report, blessing = SHOP.evaluate(root, given, thresholds=thresholds)
        pushed = SHOP.artifact(standard_artifacts.PushedModel, root / "pushed" / str(len(self.versions())))
        destination = pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(self.served))
        )
        Pusher().Do(
            {"model": [model], "model_blessing": [blessing]},
            {"pushed_model": [pushed]},
            {"push_destination": proto_utils.proto_to_json(destination)},
        )
        _result(self.layout, {"ModelBlessing": [blessing.uri]}, str(self.served))
        (pathlib.Path(blessing.uri) / "BLESSED").unlink()
        return list(report["blessing"]["reasons"])

    def versions(self) -> list[str]:
        """What is served."""
        return sorted(path.name for path in self.served.iterdir()) if self.served.exists() else []


@pytest.fixture
def runs(tmp_path: pathlib.Path) -> Runs:
    """An output folder into which a good model was pushed."""
    found = Runs(tmp_path)
    found.run(SHOP.model(tmp_path / "good"), LENIENT)
    assert len(found.versions()) == 1
    return found


def test_a_candidate_worse_than_the_last_blessed_is_refused_and_the_old_model_stays(
    runs: Runs, tmp_path: pathlib.Path
) -> None:
    before = runs.versions()
    with pytest.raises(NotBlessed, match="was not blessed and not pushed") as caught:
        runs.run(SHOP.model(tmp_path / "worse", skill=0.0), LENIENT)
    assert caught.value.exit_code == 4
    assert runs.versions() == before
    (reason,) = read_json(str(tmp_path / "reports" / "evaluation.json"))["blessing"]["reasons"]
    assert "below the last blessed model" in reason


def test_a_candidate_worse_than_popularity_is_refused(runs: Runs, tmp_path: pathlib.Path) -> None:
    before = runs.versions()
    thresholds = BlessOptions(popularity_ratio=1.7, baseline_ratio=0.0, max_drop=1.0)
    with pytest.raises(NotBlessed):
        runs.run(SHOP.model(tmp_path / "worse", skill=0.0), thresholds)
    assert runs.versions() == before


def test_a_candidate_whose_ranking_metrics_are_missing_is_refused(runs: Runs, tmp_path: pathlib.Path) -> None:
    before = runs.versions()
    empty = SHOP.artifact(standard_artifacts.ModelEvaluation, tmp_path / "no metrics")
    with pytest.raises(NotBlessed):
        runs.run(SHOP.model(tmp_path / "as good"), LENIENT, ranking_evaluation=empty)
    assert runs.versions() == before
    (reason,) = read_json(str(tmp_path / "reports" / "evaluation.json"))["blessing"]["reasons"]
    assert reason == "the ranking head's evaluation lacks auc and log_loss"
