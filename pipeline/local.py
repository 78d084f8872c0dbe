"""Runs the pipeline on this machine: one process, Beam in memory, ML Metadata in SQLite."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
from collections.abc import Mapping

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from tfx import v1 as tfx
from tfx.orchestration import metadata as mlmd

from aisle.components.canary.executor import NOT_BLESSED_FILE
from aisle.components.cleaner.campaigns.export import export_campaigns
from aisle.components.quarantine_files import PEOPLE_FOLDER
from aisle.components.reports import REPORTS
from aisle.components.storage import exists, is_remote, list_folder
from aisle.pipeline.baselines import earlier_baseline, keep_baseline, tables_fingerprint
from aisle.pipeline.config import Config
from aisle.pipeline.create import create_pipeline
from aisle.pipeline.encoder import choose_reader
from aisle.pipeline.inputs import pictures_to_read
from aisle.pipeline.output_folder import held
from aisle.pipeline.paths import Layout
from aisle.pipeline.progress import narrated
from aisle.pipeline.tracking.track import track
from aisle.pipeline.transfer.encoder import kept_encoder
from aisle.pipeline.transfer.taught import kept_taught
from aisle.schema.bert.files import check_bert
from aisle.schema.bert.weights import bert_folder
from aisle.schema.errors import AisleError, NotBlessed
from aisle.schema.tables import ITEMS


@dataclasses.dataclass(frozen=True)
class RunResult:
    """What a run left behind: the served model's newest version, and the reports' folder."""

    version: str
    reports: str


def run_pipeline(data: str, fingerprints: Mapping[str, str], out: str, config: Config) -> RunResult:
    """Runs the pipeline on the tables of a folder; what an earlier run did is used again.

    Args:
        data: the folder of the canonical tables.
        fingerprints: of its tables, by name.
        out: the output folder.
        config: all options.

    Raises:
        InputError: the tables, the BERT folder or the metadata in `out` can't be used, or another run is writing to it.
        GateBlocked: the anomaly gate, or the gate behind the Cleaner, stopped the run.
        NotBlessed: the model was not pushed.
        AisleError: a disk is full.
    """
    # Now, rather than when the first step reads with it.
    check_bert(config.model.bert or bert_folder())
    layout = Layout(str(pathlib.Path(out).absolute()))
    tables = tables_fingerprint(fingerprints)
    with held(layout):
        reader = choose_reader(config, data, tables, layout.bert)
        connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(layout.metadata)
        taught = kept_taught(config.transfer.source, layout)
        pipeline = create_pipeline(
            data if is_remote(data) else str(pathlib.Path(data).absolute()),
            fingerprints,
            layout,
            reader.config,
            connection,
            baseline=earlier_baseline(layout.baselines, tables),
            unread=reader.unread,
            pictures=pictures_to_read(data, config.pictures.use, config.readings()[ITEMS.name]),
            taught=taught,
            offered=kept_encoder(config.transfer.source, layout, reader.config.model.bert),
        )
        with narrated(pathlib.Path(layout.run_log), len(pipeline.components)):
            tfx.orchestration.LocalDagRunner().run(pipeline)
            outputs = _outputs(connection)
        _show(layout, outputs)
        track(config, layout, outputs.get("ModelRun", ()))
        result = _result(layout, outputs, config.push.to or layout.serving)
        keep_baseline(layout.baselines, tables, outputs.get("aisle.Report", []))
        return result


def _outputs(connection: object) -> dict[str, list[str]]:
    """The folders of what the last run made, or found made before, by artifact type; the newest last.

    Only of that run: an earlier one on other data may have made newer artifacts than those found here.
    """
    with mlmd.Metadata(connection) as handle:
        store = handle.store
        run = max(store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)
        kinds = {kind.id: kind.name for kind in store.get_artifact_types()}
        found: dict[str, list[str]] = {}
        for artifact in sorted(store.get_artifacts_by_context(run.id), key=lambda artifact: artifact.id):
            if os.path.isdir(artifact.uri):
                found.setdefault(kinds[artifact.type_id], []).append(artifact.uri)
        return found


def _show(layout: Layout, outputs: Mapping[str, list[str]]) -> None:
    """Makes `reports/`, `quarantine/`, `ads/` and `logs/` speak of this run, also where its steps were done before."""
    for kind in ("aisle.Report", "aisle.Ledger", "aisle.Interactions", "aisle.Pictures"):
        for uri in outputs.get(kind, ()):
            for name in REPORTS:
                _copy(sorted(pathlib.Path(uri).glob(f"{name}.*")), layout.reports)
    for uri in outputs.get("aisle.Tables", ()):
        export_campaigns(uri, layout.ads)
    for uri in outputs.get("aisle.Quarantine", ()):
        _copy(sorted((pathlib.Path(uri) / PEOPLE_FOLDER).glob("*.*")), layout.quarantine)
    folder = pathlib.Path(layout.logs)
    folder.mkdir(exist_ok=True)
    for uri in outputs.get("ModelRun", ()):
        link = folder / pathlib.Path(uri).parent.parent.name.rpartition(".")[2]
        link.unlink(missing_ok=True)
        link.symlink_to(uri)


def _copy(files: list[pathlib.Path], folder: str) -> None:
    target = pathlib.Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        # Copied beside and renamed: a reader sees the old file or the new one.
        beside = target / f".{file.name}"
        shutil.copyfile(file, beside)
        beside.replace(target / file.name)


def _result(layout: Layout, outputs: Mapping[str, list[str]], served: str) -> RunResult:
    """The version that was pushed to the folder `served`.

    Raises:
        NotBlessed: a blessing of this run forbids the push.
    """
    for uri in outputs.get("ModelBlessing", ()):
        if os.path.exists(os.path.join(uri, "NOT_BLESSED")):
            raise NotBlessed(
                f"the model was not blessed and not pushed; {layout.reports}/evaluation.html says why"
            )
    for uri in outputs.get("InfraBlessing", ())[-1:]:
        failure = pathlib.Path(uri) / NOT_BLESSED_FILE
        if failure.exists():
            why = failure.read_text(encoding="utf-8")
            raise NotBlessed(f"the served model failed its canary load and was not pushed: {why}")
    versions = [name for name in list_folder(served) if name.isdigit()] if exists(served) else []
    if not versions:
        raise AisleError(f"the run ended, but {served} holds no version")
    return RunResult(version=max(versions, key=int), reports=layout.reports)
