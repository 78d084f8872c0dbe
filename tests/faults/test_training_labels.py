"""Faults 22 and 35: labels of a single class stop before training; a loss that is no number exports nothing."""

from __future__ import annotations

import dataclasses
import pathlib
import types
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from aisle.components.examples import write_examples
from aisle.model import train_ranking as ranking_trainer
from aisle.model.options import RankingOptions
from aisle.model.ranking.rows import RANKING_FEATURES
from aisle.schema import features as f
from aisle.schema.errors import AisleError, InputError

ROWS = 48
OPTIONS = RankingOptions(members=1, feature_epochs=1, text="never", width=8, propensity=True)


def ranking_examples(query: str = "", **labels: float | np.ndarray) -> pa.Table:
    """Ranking examples whose numbers tell nothing; `labels` by feature, -1 (weight 1) where not given."""
    given = {"click": -1.0, "conversion": -1.0, "label": 0.0, "clicked": -1.0, "weight": 1.0, **labels}
    random = np.random.default_rng(0)
    columns = {}
    for feature in RANKING_FEATURES:
        if feature.dtype is f.Dtype.BYTES:
            values: Any = [[query.encode() if feature is f.RANK_QUERY else b"mug"]] * ROWS
        elif feature.name in given:
            values = np.broadcast_to(given[feature.name], ROWS)[:, None].tolist()
        else:
            values = random.random((ROWS, 1)).tolist()
        kind = pa.binary() if feature.dtype is f.Dtype.BYTES else pa.float32()
        columns[feature.name] = pa.array(values, pa.list_(kind))
    return pa.table(columns)


@dataclasses.dataclass(frozen=True)
class Trainer:
    """The ranking head's real `run_fn` in a folder."""

    root: pathlib.Path

    def run(self, train: pa.Table, valid: pa.Table, options: RankingOptions = OPTIONS) -> None:
        """Writes the examples as Candidates does, and trains."""
        artifact = standard_artifacts.Examples()
        artifact.uri = str(self.root / "examples")
        write_examples(artifact, {"train": train, "eval": valid})
        ranking_trainer.run_fn(
            types.SimpleNamespace(  # type: ignore[arg-type]
                base_model=None,
                train_files=[f"{artifact.uri}/Split-train/*"],
                eval_files=[f"{artifact.uri}/Split-eval/*"],
                serving_model_dir=str(self.root / "model"),
                model_run_dir=str(self.root / "run"),
                custom_config={"options": options.to_json(), "bert": ""},
            )
        )

    @property
    def left(self) -> list[str]:
        """What the training left beside its examples."""
        return sorted(path.name for path in self.root.iterdir() if path.name != "examples")


@pytest.fixture
def trainer(tmp_path: pathlib.Path) -> Trainer:
    return Trainer(tmp_path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"conversion": 0.0}, r"from the table events: all 48 candidates have conversion 0; .*longer span"),
        (
            {"query": "mug", "click": 1.0, "clicked": 1.0},
            "from the table events: all 48 .* have click or grade 1;",
        ),
        ({"query": "mug", "click": 0.0}, "from the table judgements: all 48 .* have click or grade 0;"),
        ({}, "from the table events: all 48 candidates have none;"),
    ],
)
def test_labels_of_a_single_class_stop_before_training_by_table_and_class(
    trainer: Trainer, rows: dict[str, Any], message: str
) -> None:
    examples = ranking_examples(**rows)
    with pytest.raises(InputError, match=message) as caught:
        trainer.run(examples, examples)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert trainer.left == []


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_no_number_aborts_and_exports_nothing(trainer: Trainer, value: float) -> None:
    taken = np.arange(ROWS) % 2
    weight = np.where(np.arange(ROWS) == 1, value, 1.0)  # One poisoned example, which was taken.
    good = ranking_examples(conversion=taken)
    with pytest.raises(AisleError, match="loss became (nan|inf) in epoch 1, and nothing was exported"):
        trainer.run(ranking_examples(conversion=taken, weight=weight), good)
    assert "model" not in trainer.left
    assert not list(trainer.root.rglob("saved_model.pb"))


def test_what_is_served_is_calibrated_to_validation(trainer: Trainer) -> None:
    rare = (np.arange(ROWS) % 8 == 0).astype(float)
    # The weight makes the rare sales of training as frequent as the rest; the served score says how often they are.
    trainer.run(ranking_examples(conversion=rare, weight=7.0), ranking_examples(conversion=rare))
    model = tf.saved_model.load(str(trainer.root / "model"))
    records = list(
        tf.data.TFRecordDataset(
            tf.io.gfile.glob(f"{trainer.root}/examples/Split-eval/*"), "GZIP"
        ).as_numpy_iterator()
    )
    scores = model.signatures["serving_default"](examples=tf.constant(records))["scores"].numpy()
    assert scores.mean() == pytest.approx(1 / 8, abs=0.05)
    assert model.calibration.numpy()[0, 1] < -0.3  # Uncalibrated, they would be over a quarter.
    assert model.calibration.numpy()[1].tolist() == [1.0, 0.0]  # No search, nothing to fit.
