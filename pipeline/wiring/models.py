"""Trains the models and makes one of them."""

from __future__ import annotations

import dataclasses

from tfx import v1 as tfx
from tfx.dsl.components.base import base_component
from tfx.types import channel

from aisle.components.bundle.component import Bundle
from aisle.components.candidates.component import Candidates
from aisle.components.cleaner.component import Cleaner
from aisle.components.encoder_trial.component import EncoderTrial
from aisle.components.labeler.component import Labeler
from aisle.components.pretraining.component import Pretraining
from aisle.pipeline.code_hash import code_of
from aisle.pipeline.config import Config
from aisle.pipeline.paths import Layout
from aisle.pipeline.transfer.encoder import Offered
from aisle.schema.options import Options
from aisle.schema.splits import EVAL, ITEMS, TRAIN

PRETRAIN_FN = "aisle.model.pretrain.pretrain_fn"
PREPROCESSING_FN = "aisle.model.preprocessing.preprocessing_fn"
TWO_TOWER_FN = "aisle.model.train_two_tower.run_fn"
CANDIDATES_FN = "aisle.model.find_candidates.candidates_fn"
RANKING_FN = "aisle.model.train_ranking.run_fn"
BUNDLE_FN = "aisle.model.make_bundle.bundle_fn"
TRIAL_FN = "aisle.model.retrieval.domains.encoder.choose_encoder"


@dataclasses.dataclass(frozen=True)
class Taught:
    """The file of what another shop teaches, "" for none; its encoder; whether nothing is told of this one but what it has."""

    file: str
    offered: Offered
    untold: bool


@dataclasses.dataclass(frozen=True)
class Trained:
    """The components that train, whose outputs are judged."""

    two_tower: base_component.BaseComponent
    candidates: base_component.BaseComponent
    ranking: base_component.BaseComponent
    bundle: base_component.BaseComponent


def models(
    cleaner: Cleaner,
    labeler: Labeler,
    pictures: channel.BaseChannel | None,
    layout: Layout,
    config: Config,
    taught: Taught,
) -> tuple[Trained, list[base_component.BaseComponent]]:
    """The components that train, and these with all that lead to them."""
    trial = _encoder_trial(labeler, config, taught)
    tried = trial[0].outputs["model"] if trial else None
    pretraining = _pretraining(cleaner, labeler, layout, config, tried)
    bert = pretraining[0].outputs["model"] if pretraining else tried
    trained, nodes = _trained(cleaner, labeler, bert, pictures, config, taught)
    return trained, [*trial, *pretraining, *nodes]


def _encoder_trial(labeler: Labeler, config: Config, taught: Taught) -> list[base_component.BaseComponent]:
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
            code=code_of(TRIAL_FN),
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
            code=code_of(PRETRAIN_FN),
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
    taught: Taught,
) -> tuple[Trained, list[base_component.BaseComponent]]:
    """Trains both models and makes one of them."""
    transform = tfx.components.Transform(
        examples=labeler.outputs["examples"],
        schema=labeler.outputs["schema"],
        preprocessing_fn=PREPROCESSING_FN,
        splits_config=tfx.proto.SplitsConfig(analyze=[ITEMS, TRAIN, EVAL], transform=[ITEMS, TRAIN, EVAL]),
        # Nobody reads them, and both make a good part of its Beam graph.
        disable_statistics=True,
        disable_analyzer_cache=True,
        custom_config={"code": code_of(PREPROCESSING_FN)},
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
        code=code_of(CANDIDATES_FN),
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
    trained = Trained(two_tower, candidates, ranking, bundle)
    return trained, [transform, two_tower, candidates, ranking, bundle]


def _bundle(
    cleaner: Cleaner,
    labeler: Labeler,
    models: tuple[base_component.BaseComponent, base_component.BaseComponent],
    bert: channel.BaseChannel | None,
    pictures: channel.BaseChannel | None,
    config: Config,
    taught: Taught,
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
        code=code_of(BUNDLE_FN),
        taught=taught.file,
    )


def _trainer_config(options: Options, config: Config, run_fn: str) -> dict[str, str]:
    """What a Trainer's `run_fn` is told."""
    return {"options": options.to_json(), "bert": config.model.bert, "code": code_of(run_fn)}
