"""The stock Evaluator of the ranking head."""

from __future__ import annotations

import tensorflow_model_analysis as tfma
from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base import base_component

from aisle.schema.contract import SERVING_DEFAULT
from aisle.schema.features import LABEL
from aisle.schema.splits import TEST


def ranking_evaluator(
    examples: types.BaseChannel, model: types.BaseChannel, min_auc: float
) -> base_component.BaseComponent:
    """Measures the ranking head on candidates of the test window, and blesses it from an area under the curve on."""
    return tfx.components.Evaluator(
        examples=examples,
        # The head alone: what `serving_default` of the whole model calls, without a catalogue to load.
        model=model,
        example_splits=[TEST],
        eval_config=_ranking_metrics(min_auc),
    ).with_id("Evaluator.ranking")


def _ranking_metrics(min_auc: float) -> tfma.EvalConfig:
    """The ranking head's metrics on candidates of the test window, and what blesses it."""
    auc = tfma.MetricThreshold(value_threshold=tfma.GenericValueThreshold(lower_bound={"value": min_auc}))
    return tfma.EvalConfig(
        model_specs=[
            # Its type is said, or TFMA loads the model once more to find it out.
            tfma.ModelSpec(
                signature_name=SERVING_DEFAULT.name,
                label_key=LABEL.name,
                model_type=tfma.constants.TF_GENERIC,
            )
        ],
        slicing_specs=[tfma.SlicingSpec()],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(class_name="AUC", threshold=auc),
                    tfma.MetricConfig(class_name="BinaryCrossEntropy"),
                    # Finer than TFMA's default: most probabilities are small.
                    tfma.MetricConfig(class_name="CalibrationPlot", config='{"num_buckets": 10000}'),
                    tfma.MetricConfig(class_name="ExampleCount"),
                ]
            )
        ],
    )
