"""Declares Bundle."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.artifacts import Interactions
from aisle.components.bundle.executor import Executor
from aisle.schema.options import Options


class BundleSpec(component_spec.ComponentSpec):
    """Both trained models and the interactions in; the served model, and its twin to test, out."""

    PARAMETERS = {
        "bundle_fn": component_spec.ExecutionParameter(type=str),
        "options": component_spec.ExecutionParameter(type=str),
        "bert_dir": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "two_tower": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "ranking": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "interactions": component_spec.ChannelParameter(type=Interactions),
        "bert": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "tested_model": component_spec.ChannelParameter(type=standard_artifacts.Model),
    }


class Bundle(base_component.BaseComponent):
    """Calls `bundle_fn`, a dotted path, once as of the data's end and once as of the test's start.

    The two models have the same weights; only what they know of the shop (histories, popularity)
    differs, so that the Evaluator asks the very graph that is served and no test row is in it.
    """

    SPEC_CLASS = BundleSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        two_tower: types.BaseChannel,
        ranking: types.BaseChannel,
        interactions: types.BaseChannel,
        bundle_fn: str,
        options: Options,
        bert_dir: str,
        code: str,
        bert: types.BaseChannel | None = None,
    ) -> None:
        """Declares the component.

        Args:
            two_tower: the trained two-tower.
            ranking: the trained ranking head.
            interactions: of the Labeler.
            bundle_fn: dotted path of a function like `aisle.model.make_bundle.bundle_fn`.
            options: handed to it as JSON; a BundleOptions.
            bert_dir: the BERT's folder where it is not pretrained here; "" for the installed one.
            code: a hash of the function's code, for the cache.
            bert: of Pretraining, where the pipeline has it.
        """
        super().__init__(
            BundleSpec(
                two_tower=two_tower,
                ranking=ranking,
                interactions=interactions,
                bert=bert,
                bundle_fn=bundle_fn,
                options=options.to_json(),
                bert_dir=bert_dir,
                code=code,
                model=types.Channel(type=standard_artifacts.Model),
                tested_model=types.Channel(type=standard_artifacts.Model),
            )
        )
