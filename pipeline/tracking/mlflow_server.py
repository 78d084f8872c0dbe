"""A run in MLflow: on a server, in SQLite, or in a folder."""

from __future__ import annotations

import os
import pathlib
import time

from aisle.pipeline.tracking.record import Record

_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""A server that doesn't answer would hold the run for minutes."""
_AT_ONCE = 100
"""Parameters, and as many metrics, that a request may hold."""
_LONGEST = 6000
"""Letters of a parameter."""


def keep(to: str, experiment: str, record: Record) -> str:
    """Writes a run; returns where it lies.

    Args:
        to: the tracking server's address, as `tracking.to` has it.
        experiment: its name; made where there is none.
        record: the run.
    """
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    if to.startswith("file:"):
        # MLflow asks to be told that a folder is meant.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow.entities import Metric, Param
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=to)
    known = client.get_experiment_by_name(experiment)
    number = known.experiment_id if known else client.create_experiment(experiment, _artifacts(to))
    run = client.create_run(number).info.run_id
    now = int(1e3 * time.time())
    settings = [Param(name, value[:_LONGEST]) for name, value in record.settings.items()]
    metrics = [
        Metric(name, value, now, epoch)
        for name, values in record.curves.items()
        for epoch, value in values.items()
    ]
    metrics += [Metric(name, value, now, 0) for name, value in record.figures.items()]
    for start in range(0, max(len(settings), len(metrics)), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        client.log_batch(run, metrics=metrics[part], params=settings[part])
    for report in record.reports:
        client.log_artifact(run, str(report), "reports")
    client.set_terminated(run)
    return f"run {run} of the experiment {experiment}"


def _artifacts(to: str) -> str | None:
    """Where the reports of a database go: beside it, and not where the command was started; None leaves it to MLflow."""
    if not to.startswith("sqlite:"):
        return None
    file = pathlib.Path(to.removeprefix("sqlite:///"))
    return (file.absolute().parent / f"{file.stem}-artifacts").as_uri()
