"""The pipeline, wired in the order the data flows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tfx import v1 as tfx
from tfx.dsl.components.base import base_component
from tfx.types import channel

from aisle.components.anomaly_gate.component import AnomalyGate
from aisle.components.beam import with_workers_code
from aisle.components.bundle.component import Bundle
from aisle.components.canary.component import CanaryLoad, failed_before
from aisle.components.candidates.component import Candidates
from aisle.components.cleaner.component import Cleaner
from aisle.components.curated_schema.component import CuratedSchema
from aisle.components.encoder_trial.component import EncoderTrial
from aisle.components.evaluator.component import RecommendationEvaluator
from aisle.components.example_gen.component import TableExampleGen
from aisle.components.labeler.component import Labeler
from aisle.components.labeler.options import LabelerOptions
from aisle.components.pictures.component import PictureReader
from aisle.components.pretraining.component import Pretraining
from aisle.components.pusher.component import Pusher
from aisle.components.statistics_gen.component import StatisticsGen
from aisle.pipeline.baselines import tables_fingerprint
from aisle.pipeline.code_hash import code_hash, show_code_to_cache
from aisle.pipeline.config import Config
from aisle.pipeline.inputs import schema_file, schema_fingerprint
from aisle.pipeline.paths import Layout
from aisle.pipeline.ranking_evaluator import ranking_evaluator
from aisle.pipeline.transfer.encoder import NOTHING, Offered
from aisle.schema.options import Options
from aisle.schema.splits import EVAL, ITEMS, TRAIN
from aisle.schema.tables import EVENTS, JUDGEMENTS

PIPELINE_NAME = "aisle"
PRETRAIN_FN = "aisle.model.pretrain.pretrain_fn"
PREPROCESSING_FN = "aisle.model.preprocessing.preprocessing_fn"
TWO_TOWER_FN = "aisle.model.train_two_tower.run_fn"
CANDIDATES_FN = "aisle.model.find_candidates.candidates_fn"
RANKING_FN = "aisle.model.train_ranking.run_fn"
BUNDLE_FN = "aisle.model.make_bundle.bundle_fn"
ENCODER_FN = "aisle.model.images.encoder.encoder_fn"
TRIAL_FN = "aisle.model.retrieval.domains.encoder.choose_encoder"
SERVER_MODULE = "aisle.serving.server"
SETTLE_FN = "aisle.serving.releases.pushed.settle"

Checked = Mapping[str, channel.BaseChannel]
"""A table's channels: examples, quarantine, statistics, schema, anomalies."""


@dataclasses.dataclass(frozen=True)
class _Taught:
    """The file of what another shop teaches, "" for none; its encoder; whether nothing is told of this one but what it has."""

    file: str
    offered: Offered
    untold: bool


@dataclasses.dataclass(frozen=True)
class _Trained:
    """The components that train, whose outputs are judged."""

    two_tower: base_component.BaseComponent
    candidates: base_component.BaseComponent
    ranking: base_component.BaseComponent
    bundle: base_component.BaseComponent


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
        components, checked[table] = _checked_table(data, table, fingerprint, config)
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
    given = _Taught(taught, offered, untold=not {EVENTS.name, JUDGEMENTS.name} & fingerprints.keys())
    nodes += [gate, cleaner, labeler, *reader, *_models(cleaner, labeler, seen, layout, config, given)]
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


def _checked_table(
    data: str, table: str, fingerprint: str, config: Config
) -> tuple[list[base_component.BaseComponent], Checked]:
    """Reads one table and looks for anomalies in it."""
    reader = TableExampleGen(
        data_folder=data, table=table, fingerprint=fingerprint, reading=config.readings()[table]
    ).with_id(f"ExampleGen.{table}")
    examples = reader.outputs["examples"]
    statistics = StatisticsGen(examples=examples).with_id(f"StatisticsGen.{table}")
    if config.data.schema_dir:
        schema = CuratedSchema(
            schema_file=schema_file(config.data.schema_dir, table),
            fingerprint=schema_fingerprint(config.data.schema_dir, table),
        )
    else:
        schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
    schema = schema.with_id(f"SchemaGen.{table}")
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    ).with_id(f"ExampleValidator.{table}")
    channels = {
        "examples": examples,
        "quarantine": reader.outputs["quarantine"],
        "statistics": statistics.outputs["statistics"],
        "schema": schema.outputs["schema"],
        "anomalies": validator.outputs["anomalies"],
    }
    return [reader, statistics, schema, validator], channels


def _picture_reader(cleaner: Cleaner, data: str, fingerprint: str, layout: Layout) -> PictureReader:
    """Sees what the items' pictures show."""
    return PictureReader(
        tables=cleaner.outputs["tables"],
        data_folder=data,
        fingerprint=fingerprint,
        encoder_fn=ENCODER_FN,
        cache_dir=layout.pictures,
        reports_dir=layout.reports,
        code=_code(ENCODER_FN),
    )


def _models(
    cleaner: Cleaner,
    labeler: Labeler,
    pictures: channel.BaseChannel | None,
    layout: Layout,
    config: Config,
    taught: _Taught,
) -> list[base_component.BaseComponent]:
    """Trains, evaluates and pushes."""
    trial = _encoder_trial(labeler, config, taught)
    tried = trial[0].outputs["model"] if trial else None
    pretraining = _pretraining(cleaner, labeler, layout, config, tried)
    bert = pretraining[0].outputs["model"] if pretraining else tried
    trained, nodes = _trained(cleaner, labeler, bert, pictures, config, taught)
    return [*trial, *pretraining, *nodes, *_judged(labeler, trained, layout, config, taught.untold)]


def _encoder_trial(labeler: Labeler, config: Config, taught: _Taught) -> list[base_component.BaseComponent]:
    """Tries another shop's encoder; nothing where no other shop teaches."""
    if not taught.file:
        return []
    return [
        EncoderTrial(
            interactions=labeler.outputs["interactions"],
            trial_fn=TRIAL_FN,
            theirs=taught.offered.folder,
            why=taught.offered.why,
            bert_dir=config.model.bert,
            most_unread=config.gate.max_unread_share,
            code=_code(TRIAL_FN),
        )
    ]


def _pretraining(
    cleaner: Cleaner, labeler: Labeler, layout: Layout, config: Config, bert: channel.BaseChannel | None
) -> list[base_component.BaseComponent]:
    """Trains BERT on the shop's texts; nothing where the settings ask for no steps."""
    if not config.pretrain.steps:
        return []
    return [
        Pretraining(
            tables=cleaner.outputs["tables"],
            interactions=labeler.outputs["interactions"],
            pretrain_fn=PRETRAIN_FN,
            options=config.pretrain,
            bert_dir=config.model.bert,
            code=_code(PRETRAIN_FN),
            checkpoints_dir=layout.checkpoints,
            bert=bert,
        )
    ]


def _trained(
    cleaner: Cleaner,
    labeler: Labeler,
    bert: channel.BaseChannel | None,
    pictures: channel.BaseChannel | None,
    config: Config,
    taught: _Taught,
) -> tuple[_Trained, list[base_component.BaseComponent]]:
    """Trains both models and makes one of them."""
    transform = tfx.components.Transform(
        examples=labeler.outputs["examples"],
        schema=labeler.outputs["schema"],
        preprocessing_fn=PREPROCESSING_FN,
        splits_config=tfx.proto.SplitsConfig(analyze=[ITEMS, TRAIN, EVAL], transform=[ITEMS, TRAIN, EVAL]),
        # Nobody reads them, and both make a good part of its Beam graph.
        disable_statistics=True,
        disable_analyzer_cache=True,
        custom_config={"code": _code(PREPROCESSING_FN)},
    )
    two_tower = tfx.components.Trainer(
        run_fn=TWO_TOWER_FN,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        base_model=bert,
        train_args=tfx.proto.TrainArgs(splits=[ITEMS, TRAIN]),
        eval_args=tfx.proto.EvalArgs(splits=[EVAL]),
        custom_config=_trainer_config(config.retrieval, config, TWO_TOWER_FN),
    ).with_id("Trainer.two_tower")
    candidates = Candidates(
        model=two_tower.outputs["model"],
        interactions=labeler.outputs["interactions"],
        bert=bert,
        candidates_fn=CANDIDATES_FN,
        options=config.candidates,
        bert_dir=config.model.bert,
        code=_code(CANDIDATES_FN),
        taught=taught.file,
    )
    ranking = tfx.components.Trainer(
        run_fn=RANKING_FN,
        base_model=bert,
        examples=candidates.outputs["examples"],
        train_args=tfx.proto.TrainArgs(splits=[TRAIN]),
        eval_args=tfx.proto.EvalArgs(splits=[EVAL]),
        custom_config=_trainer_config(config.ranker, config, RANKING_FN)
        | {"taught": taught.file, "untold": taught.untold},
    ).with_id("Trainer.ranking")
    bundle = _bundle(cleaner, labeler, (two_tower, ranking), bert, pictures, config, taught)
    trained = _Trained(two_tower, candidates, ranking, bundle)
    return trained, [transform, two_tower, candidates, ranking, bundle]


def _bundle(
    cleaner: Cleaner,
    labeler: Labeler,
    models: tuple[base_component.BaseComponent, base_component.BaseComponent],
    bert: channel.BaseChannel | None,
    pictures: channel.BaseChannel | None,
    config: Config,
    taught: _Taught,
) -> Bundle:
    """Makes one model of the two-tower and the ranking head."""
    two_tower, ranking = models
    return Bundle(
        two_tower=two_tower.outputs["model"],
        ranking=ranking.outputs["model"],
        interactions=labeler.outputs["interactions"],
        tables=cleaner.outputs["tables"],
        bert=bert,
        pictures=pictures,
        bundle_fn=BUNDLE_FN,
        options=config.bundle,
        reviews=config.reviews,
        bert_dir=config.model.bert,
        code=_code(BUNDLE_FN),
        taught=taught.file,
    )


def _judged(
    labeler: Labeler, trained: _Trained, layout: Layout, config: Config, untold: bool
) -> list[base_component.BaseComponent]:
    """Evaluates what was trained, loads it for trial, and pushes it where it is blessed."""
    bundle = trained.bundle
    # Where nothing is told its examples are none.
    examples, head = trained.candidates.outputs["examples"], trained.ranking.outputs["model"]
    of_ranking = [] if untold else [ranking_evaluator(examples, head, config.bless.min_auc)]
    judged = {
        f"ranking_{name}": one.outputs[name] for one in of_ranking for name in ("evaluation", "blessing")
    }
    evaluator = RecommendationEvaluator(
        model=bundle.outputs["tested_model"],
        interactions=labeler.outputs["interactions"],
        reports_dir=layout.reports,
        blessed_dir=layout.blessed,
        options=config.evaluator,
        thresholds=config.bless,
        two_tower_run=trained.two_tower.outputs["model_run"],
        ranking_run=trained.ranking.outputs["model_run"],
        **judged,
    )
    canary = CanaryLoad(
        model=bundle.outputs["model"],
        server_module=SERVER_MODULE,
        max_latency_ms=config.infra.max_latency_ms,
        tf_serving=config.infra.tf_serving,
        failures=failed_before(layout.artifacts),
    )
    pusher = Pusher(
        model=bundle.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=canary.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=config.push.to or layout.serving)
        ),
        custom_config={"keep": config.push.keep, "settle_fn": SETTLE_FN},
    )
    return [*of_ranking, evaluator, canary, pusher]


def _code(function: str) -> str:
    """The hash of the code that a function, by its dotted path, leads to: TFX's cache sees the path alone."""
    return code_hash(function.rpartition(".")[0])


def _trainer_config(options: Options, config: Config, run_fn: str) -> dict[str, str]:
    """What a Trainer's `run_fn` is told."""
    return {"options": options.to_json(), "bert": config.model.bert, "code": _code(run_fn)}
