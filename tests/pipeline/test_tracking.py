"""What is kept of a run, and that no tracker stops one; the libraries themselves where they are installed."""

from __future__ import annotations

import json
import pathlib
import socket

import pytest

from aisle.pipeline.config import Config, load_config
from aisle.pipeline.paths import Layout
from aisle.pipeline.tracking import mlflow_server, wandb_folder
from aisle.pipeline.tracking.options import check_installed
from aisle.pipeline.tracking.record import Record, figures_of, record_of
from aisle.pipeline.tracking.track import track
from aisle.schema.errors import InputError
from tests.components.reported_shop import EVALUATION

CURVES = {"loss": [0.7, 0.5], "val_loss": [0.8, None]}


@pytest.fixture
def ended(tmp_path: pathlib.Path) -> tuple[Layout, list[str]]:
    """An output folder with a report and a training."""
    layout = Layout(str(tmp_path / "out"))
    run = tmp_path / "out" / "artifacts" / "Trainer.two_tower" / "model_run" / "7"
    for folder in (run, pathlib.Path(layout.reports)):
        folder.mkdir(parents=True)
    (run / "history.json").write_text(json.dumps(CURVES), encoding="utf-8")
    (pathlib.Path(layout.reports) / "evaluation.json").write_text(json.dumps(EVALUATION), encoding="utf-8")
    (pathlib.Path(layout.reports) / "inventory.json").write_text("{}", encoding="utf-8")
    return layout, [str(run)]


def test_a_record_holds_settings_curves_figures_and_the_run_s_own_reports(
    ended: tuple[Layout, list[str]],
) -> None:
    record = record_of(load_config(None, ["retrieval.steps=7", "tracking.to=http://me:secret@host"]), *ended)
    assert record.settings["retrieval.steps"] == "7"
    assert record.settings["data.tables"] == "auto"
    assert json.loads(record.settings["infra.beam_args"])[0] == "--direct_num_workers=1"
    assert "secret" not in str(record)
    assert record.curves == {"two_tower/loss": {1: 0.7, 2: 0.5}, "two_tower/val_loss": {1: 0.8}}
    assert record.figures["whole_pipeline/all/ndcg"] == EVALUATION["systems"][0]["all"]["ndcg"]
    assert [path.name for path in record.reports] == ["evaluation.json"]


def test_figures_have_names_that_every_tracker_takes_and_none_that_is_null() -> None:
    found = dict(
        figures_of(
            {
                "systems": [{"name": "item-kNN (cosine)", "all": {"ndcg": 0.2, "mrr": None}, "new": None}],
                "search": {"systems": [{"name": "BM25", "ndcg": 0.5, "recall": None}]},
                "ranking": {"auc": 0.9, "log_loss": float("nan")},
                "blessing": {"blessed": True},
            }
        )
    )
    assert found == {
        "item_kNN_cosine/all/ndcg": 0.2,
        "search_BM25/ndcg": 0.5,
        "ranking/auc": 0.9,
        "blessing/blessed": 1.0,
    }
    assert dict(figures_of({"search": None, "ranking": None})) == {}


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"tracking\.to='mlruns' is wrong: expected wandb, or MLflow's address"
    ):
        load_config(None, ["tracking.to=mlruns"])


@pytest.mark.parametrize(("to", "extra"), [("wandb", "wandb"), ("sqlite:///runs.db", "mlflow")])
def test_what_is_not_installed_is_said_before_the_run(
    to: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=rf"pip install 'aisle\[{extra}\]'"):
        check_installed(load_config(None, [f"tracking.to={to}"]).tracking)
    check_installed(Config().tracking)


def test_no_tracker_is_asked_by_default(
    ended: tuple[Layout, list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    track(Config(), *ended)
    assert capfd.readouterr().err == ""


def test_a_tracker_that_fails_is_told_of_once_and_stops_nothing(
    ended: tuple[Layout, list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        track(load_config(None, [f"tracking.to=http://127.0.0.1:{nobody.getsockname()[1]}"]), *ended)
    said = capfd.readouterr().err
    assert said.count("not tracked: ") == 1
    assert ended[0].root in said


@pytest.fixture
def record(ended: tuple[Layout, list[str]]) -> Record:
    return record_of(Config(), *ended)


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_mlflow_holds_what_was_kept(kind: str, record: Record, tmp_path: pathlib.Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="pip install 'aisle[mlflow]'")
    to = f"file:{tmp_path}/runs" if kind == "file" else f"sqlite:///{tmp_path}/runs.db"
    mlflow_server.keep(to, "shop", record)
    mlflow_server.keep(to, "shop", record)
    client = tracking.MlflowClient(tracking_uri=to)
    runs = client.search_runs([client.get_experiment_by_name("shop").experiment_id])
    assert len(runs) == 2
    run = runs[0]
    assert run.info.status == "FINISHED"
    assert run.data.params == record.settings
    assert run.data.metrics["whole_pipeline/all/ndcg"] == record.figures["whole_pipeline/all/ndcg"]
    losses = client.get_metric_history(run.info.run_id, "two_tower/loss")
    assert [(one.step, one.value) for one in losses] == [(1, 0.7), (2, 0.5)]
    assert [file.path for file in client.list_artifacts(run.info.run_id, "reports")] == [
        "reports/evaluation.json"
    ]
    assert str(tmp_path) in run.info.artifact_uri


def test_weights_and_biases_writes_a_folder_to_sync(record: Record, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("wandb", reason="pip install 'aisle[wandb]'")
    where = wandb_folder.keep(str(tmp_path), "shop", record)
    folder = pathlib.Path(where.partition(",")[0])
    assert folder.parent == tmp_path / "wandb"
    (written,) = folder.glob("run-*.wandb")
    content = written.read_bytes()
    assert all(
        name in content for name in (b"two_tower/loss", b"whole_pipeline/all/ndcg", b"retrieval.steps")
    )
