"""Declares Bundle."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.artifacts import Interactions, Pictures, Tables
from aisle.components.bundle.executor import Executor
from aisle.components.specifications import channels, new_outputs, texts
from aisle.schema.options import Options


class BundleSpec(component_spec.ComponentSpec):
    """Both trained models, the interactions and the cleaned tables in; the served model, and its twin to test, out."""

    PARAMETERS = texts("bundle_fn", "options", "reviews", "bert_dir", "code", "taught")
    INPUTS = channels(
        two_tower=standard_artifacts.Model,
        ranking=standard_artifacts.Model,
        interactions=Interactions,
        tables=Tables,
    ) | channels(optional=True, bert=standard_artifacts.Model, pictures=Pictures)
    OUTPUTS = channels(model=standard_artifacts.Model, tested_model=standard_artifacts.Model)


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
        tables: types.BaseChannel,
        bundle_fn: str,
        options: Options,
        reviews: Options,
        bert_dir: str,
        code: str,
        bert: types.BaseChannel | None = None,
        pictures: types.BaseChannel | None = None,
        taught: str = "",
    ) -> None:
        """Declares the component.

        Args:
            two_tower: the trained two-tower.
            ranking: the trained ranking head.
            interactions: of the Labeler.
            tables: of the Cleaner, whose reviews teach the signature `sentiment`.
            bundle_fn: dotted path of a function like `aisle.model.make_bundle.bundle_fn`.
            options: handed to it as JSON; a BundleOptions.
            reviews: a ReviewOptions: which reviews are good, and how many must be known.
            bert_dir: the BERT's folder where it is not pretrained here; "" for the installed one.
            code: a hash of the function's code, for the cache.
            bert: of Pretraining or EncoderTrial, where the pipeline has it.
            pictures: of PictureReader, where the pipeline has it.
            taught: the file of what another shop teaches; "" is none.
        """
        super().__init__(
            BundleSpec(
                two_tower=two_tower,
                ranking=ranking,
                interactions=interactions,
                tables=tables,
                bert=bert,
                pictures=pictures,
                bundle_fn=bundle_fn,
                options=options.to_json(),
                reviews=reviews.to_json(),
                bert_dir=bert_dir,
                code=code,
                taught=taught,
                **new_outputs(BundleSpec),
            )
        )
