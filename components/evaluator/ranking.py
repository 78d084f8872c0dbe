"""The ranking head's own metrics, as the stock Evaluator (TFMA) wrote them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

AUC_NAMES = ("auc",)
LOG_LOSS_NAMES = ("binary_crossentropy", "binary_cross_entropy", "log_loss", "cross_entropy")
ROWS_NAMES = ("example_count", "weighted_example_count")


def ranking_metrics(folder: str, goal: str) -> dict[str, Any] | None:
    """Reads AUC, log loss and the number of rows over all examples.

    Args:
        folder: of a ModelEvaluation artifact.
        goal: which of several outputs to read, where one is called so.

    Returns:
        `auc`, `log_loss` and `rows`, each None where it is missing; None where nothing was evaluated.
    """
    import tensorflow_model_analysis as tfma  # Only where there is a ranking head: it takes seconds.

    for slice_key, outputs in tfma.load_eval_result(folder).slicing_metrics:
        if not slice_key:
            return pick_metrics(outputs, goal)
    return None


def pick_metrics(outputs: Mapping[str, Mapping[str, Mapping[str, Any]]], goal: str) -> dict[str, Any] | None:
    """Picks the metrics of the goal's output (or the first) from TFMA's nested form.

    Args:
        outputs: output name to sub key to metric name to `{"doubleValue": x}`.
        goal: the output wanted.
    """
    named = outputs.get(goal) or next(iter(outputs.values()), None)
    if not named:
        return None
    metrics = named.get("") or next(iter(named.values()))
    rows = _find(metrics, ROWS_NAMES)
    return {
        "auc": _find(metrics, AUC_NAMES),
        "log_loss": _find(metrics, LOG_LOSS_NAMES),
        "rows": None if rows is None else int(rows),
    }


def _find(metrics: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    """The first finite value under one of the names."""
    for name in names:
        value = metrics.get(name)
        number = value.get("doubleValue") if isinstance(value, Mapping) else value
        if isinstance(number, (int, float)) and math.isfinite(number):
            return float(number)
    return None
