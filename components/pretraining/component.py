"""Declares Pretraining."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.artifacts import Interactions, Tables
from aisle.components.pretraining.executor import Executor
from aisle.components.specifications import channels, new_outputs, texts
from aisle.schema.options import Options


class PretrainingSpec(component_spec.ComponentSpec):
    """The shop's tables in; a BERT folder and the training's curves out."""

    PARAMETERS = texts("pretrain_fn", "options", "bert_dir", "code", "checkpoints_dir")
    INPUTS = channels(tables=Tables, interactions=Interactions) | channels(
        optional=True, bert=standard_artifacts.Model
    )
    OUTPUTS = channels(model=standard_artifacts.Model, model_run=standard_artifacts.ModelRun)


class Pretraining(base_component.BaseComponent):
    """Calls `pretrain_fn`, a dotted path; its Model is what the others take as their BERT."""

    SPEC_CLASS = PretrainingSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        tables: types.BaseChannel,
        interactions: types.BaseChannel,
        pretrain_fn: str,
        options: Options,
        bert_dir: str,
        code: str,
        checkpoints_dir: str,
        bert: types.BaseChannel | None = None,
    ) -> None:
        """Declares the component.

        Args:
            tables: of the Cleaner.
            interactions: of the Labeler.
            pretrain_fn: dotted path of a function like `aisle.model.pretrain.pretrain_fn`.
            options: handed to it as JSON; a PretrainOptions.
            bert_dir: the folder of the BERT to start from; "" for the installed one.
            code: a hash of the function's code, for the cache and the checkpoints.
            checkpoints_dir: outside the artifacts, so that a run finds what a killed one left there.
            bert: of EncoderTrial, where the pipeline has it.
        """
        super().__init__(
            PretrainingSpec(
                tables=tables,
                interactions=interactions,
                pretrain_fn=pretrain_fn,
                options=options.to_json(),
                bert_dir=bert_dir,
                code=code,
                checkpoints_dir=checkpoints_dir,
                bert=bert,
                **new_outputs(PretrainingSpec),
            )
        )
