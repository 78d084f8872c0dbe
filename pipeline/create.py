"""The pipeline, wired in the order the data flows."""

from __future__ import annotations

from collections.abc import Mapping

from tfx import v1 as tfx
from tfx.dsl.components.base import base_component

from aisle.components.anomaly_gate.component import AnomalyGate
from aisle.components.beam import with_workers_code
from aisle.components.cleaner.component import Cleaner
from aisle.components.labeler.component import Labeler
from aisle.components.labeler.options import LabelerOptions
from aisle.components.pictures.component import PictureReader
from aisle.pipeline.baselines import tables_fingerprint
from aisle.pipeline.code_hash import code_of, show_code_to_cache
from aisle.pipeline.config import Config
from aisle.pipeline.paths import Layout
from aisle.pipeline.transfer.encoder import NOTHING, Offered
from aisle.pipeline.wiring.judged import judged
from aisle.pipeline.wiring.models import Taught, models
from aisle.pipeline.wiring.tables import Checked, checked_table
from aisle.schema.tables import EVENTS, JUDGEMENTS

PIPELINE_NAME = "aisle"
ENCODER_FN = "aisle.model.images.encoder.encoder_fn"


def create_pipeline(
    data: str,
    fingerprints: Mapping[str, str],
    layout: Layout,
    config: Config,
    metadata: tfx.orchestration.metadata.ConnectionConfigType | None = None,
    baseline: str = "",
    unread: float = 0.0,
    pictures: str = "",
    taught: str = "",
    offered: Offered = NOTHING,
) -> tfx.dsl.Pipeline:
    """Wires the pipeline.

    Args:
        data: the folder of the canonical tables.
        fingerprints: of the content of each table there is, by name; a changed one reruns what
            depends on it ("" where the content can't be seen, as when compiling).
        layout: where things are written.
        config: all options.
        metadata: ML Metadata's connection; None where the orchestrator has its own.
        baseline: the folder of an earlier run's statistics, to compare these with; "" compares with none.
        unread: the share of the titles' word pieces that say nothing to the BERT, as far as that is known.
        pictures: fingerprint of the files below `data` that items may name as pictures; "" reads none.
        taught: the file of what another shop teaches; "" is none.
        offered: the encoder that the other shop reads with, to try.
    """
    nodes: list[base_component.BaseComponent] = []
    checked: dict[str, Checked] = {}
    for table, fingerprint in fingerprints.items():
        components, checked[table] = checked_table(data, table, fingerprint, config)
        nodes += components
    gate = AnomalyGate(
        tables=checked,
        reports_dir=layout.reports,
        quarantine_dir=layout.quarantine,
        options=config.gate,
        baseline=baseline,
        curated=bool(config.data.schema_dir),
        fingerprint=tables_fingerprint(fingerprints),
        unread=unread,
    )
    cleaner = _cleaner(checked, gate, layout, config)
    labeler = Labeler(
        tables=cleaner.outputs["tables"], options=_labels(config, taught), reports_dir=layout.reports
    )
    reader = [_picture_reader(cleaner, data, pictures, layout)] if pictures else []
    seen = reader[0].outputs["pictures"] if reader else None
    given = Taught(taught, offered, untold=not {EVENTS.name, JUDGEMENTS.name} & fingerprints.keys())
    trained, learning = models(cleaner, labeler, seen, layout, config, given)
    nodes += [gate, cleaner, labeler, *reader, *learning]
    nodes += judged(labeler, trained, layout, config, given.untold)
    return _pipeline(nodes, layout, config, metadata)


def _pipeline(
    nodes: list[base_component.BaseComponent],
    layout: Layout,
    config: Config,
    metadata: tfx.orchestration.metadata.ConnectionConfigType | None,
) -> tfx.dsl.Pipeline:
    """The components as one pipeline, whose cache knows their code."""
    for node in nodes:
        show_code_to_cache(node)
    return tfx.dsl.Pipeline(
        pipeline_name=PIPELINE_NAME,
        pipeline_root=layout.artifacts,
        components=nodes,
        enable_cache=True,
        metadata_connection_config=metadata,
        beam_pipeline_args=with_workers_code(config.infra.beam_args),
    )


def _cleaner(checked: Mapping[str, Checked], gate: AnomalyGate, layout: Layout, config: Config) -> Cleaner:
    """Cleans what the gate lets through, and tells events by what the shop calls them; under "" what all of them are."""
    reading = config.readings()[EVENTS.name]
    constant = reading.constants.get("event")
    return Cleaner(
        examples={table: channels["examples"] for table, channels in checked.items()},
        quarantines={table: channels["quarantine"] for table, channels in checked.items()},
        gate=gate.outputs["report"],
        options=config.cleaner,
        reports_dir=layout.reports,
        quarantine_dir=layout.quarantine,
        losses=config.losses,
        called={**reading.values.get("event", {}), **({"": constant} if constant else {})},
        ads_dir=layout.ads,
    )


def _labels(config: Config, taught: str) -> LabelerOptions:
    """What the Labeler is told: it estimates the position bias where the ranking head reads it, and nowhere else.

    Titles stand for queries where another shop has taught the rest.
    """
    told = {} if config.ranker.propensity else {"position_bias": "none"}
    return config.labels.model_copy(update={**told, **({"titles": True} if taught else {})})


def _picture_reader(cleaner: Cleaner, data: str, fingerprint: str, layout: Layout) -> PictureReader:
    """Sees what the items' pictures show."""
    return PictureReader(
        tables=cleaner.outputs["tables"],
        data_folder=data,
        fingerprint=fingerprint,
        encoder_fn=ENCODER_FN,
        cache_dir=layout.pictures,
        reports_dir=layout.reports,
        code=code_of(ENCODER_FN),
    )
