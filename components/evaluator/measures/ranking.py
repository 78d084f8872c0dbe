"""The ranking head's own metrics and calibration, as the stock Evaluator (TFMA) wrote them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from aisle.components.evaluator.measures.calibration import calibration_error, reliability
from aisle.components.evaluator.measures.metrics import Floats

AUC_NAMES = ("auc",)
LOG_LOSS_NAMES = ("binary_crossentropy", "binary_cross_entropy", "log_loss", "cross_entropy")
ROWS_NAMES = ("example_count", "weighted_example_count")
_BUCKETS = "calibrationHistogramBuckets"


def ranking_metrics(folder: str, goal: str) -> dict[str, Any] | None:
    """Reads AUC, log loss, the number of rows and the calibration over all examples.

    Args:
        folder: of a ModelEvaluation artifact.
        goal: which of several outputs to read, where one is called so.

    Returns:
        `auc`, `log_loss`, `rows` and `calibration` (of `pick_calibration`), each None where it is
        missing; None where nothing was evaluated.
    """
    import tensorflow_model_analysis as tfma  # Only where there is a ranking head: it takes seconds.

    result = tfma.load_eval_result(folder)
    plots = next((plots for key, plots in result.plots if not key), None) or {}  # None without a plot.
    for slice_key, outputs in result.slicing_metrics:
        if not slice_key:
            metrics = pick_metrics(outputs, goal)
            return metrics and {**metrics, "calibration": pick_calibration(plots, goal)}
    return None


def pick_metrics(outputs: Mapping[str, Mapping[str, Mapping[str, Any]]], goal: str) -> dict[str, Any] | None:
    """Picks the metrics of the goal's output (or the first) from TFMA's nested form.

    Args:
        outputs: output name to sub key to metric name to `{"doubleValue": x}`.
        goal: the output wanted.
    """
    metrics = _of_goal(outputs, goal)
    if metrics is None:
        return None
    rows = _find(metrics, ROWS_NAMES)
    return {
        "auc": _find(metrics, AUC_NAMES),
        "log_loss": _find(metrics, LOG_LOSS_NAMES),
        "rows": None if rows is None else int(rows),
    }


def pick_calibration(
    outputs: Mapping[str, Mapping[str, Mapping[str, Any]]], goal: str
) -> dict[str, Any] | None:
    """Reads TFMA's calibration plot of the goal's output (or the first).

    Args:
        outputs: output name to sub key to plot name to the plot.
        goal: the output wanted.

    Returns:
        `predicted` and `observed` (means of all), `ece` (expected calibration error) and `bins` (of
        `reliability`); None where there is no plot or no example.
    """
    plot = (_of_goal(outputs, goal) or {}).get(_BUCKETS) or {}
    buckets = plot.get("buckets", ())

    def sums(name: str) -> Floats:
        # A field that is 0 may be left out.
        return np.array([float(bucket.get(name, 0.0)) for bucket in buckets])

    predicted, observed = sums("totalWeightedRefinedPrediction"), sums("totalWeightedLabel")
    count = sums("numWeightedExamples")
    bins = reliability(predicted, observed, count)  # TFMA's buckets rise by prediction.
    if not bins:
        return None
    return {
        "predicted": float(predicted.sum() / count.sum()),
        "observed": float(observed.sum() / count.sum()),
        "ece": calibration_error(bins),
        "bins": bins,
    }


def _of_goal(outputs: Mapping[str, Mapping[str, Any]], goal: str) -> Mapping[str, Any] | None:
    """What TFMA says of the goal's output (or the first), of its whole rather than of a class."""
    named = outputs.get(goal) or next(iter(outputs.values()), None)
    return (named.get("") or next(iter(named.values()))) if named else None


def _find(metrics: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    """The first finite value under one of the names."""
    for name in names:
        value = metrics.get(name)
        number = value.get("doubleValue") if isinstance(value, Mapping) else value
        if isinstance(number, (int, float)) and math.isfinite(number):
            return float(number)
    return None
