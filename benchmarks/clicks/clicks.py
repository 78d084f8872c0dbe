"""Click and conversion models of search results, with and without propensity weights, against the simulator's truth.

    python -m benchmarks.clicks.clicks [--users 2000 --items 800 --days 60] [--seed 1] [--results docs/results.md]

A simulated shop's results of searches: all models learn from the same rows of the validation window (nine tenths of its
queries; the others validate) by the same numbers, and are tested on the window after it. The probabilities are
calibrated on validation (Platt), as the exported head's are. Needs scikit-learn and LightGBM (the extra `dev`).
"""

from __future__ import annotations

import argparse
import pathlib
from typing import Any

import numpy as np

from aisle.components.evaluator.measures.metrics import bootstrap_interval, paired_interval
from aisle.datasets.simulator import SimulatorOptions
from benchmarks.clicks.measures import (
    Platt,
    auc,
    auc_gain_interval,
    expected_calibration_error,
    log_loss,
    page_means,
    page_ndcg,
    page_spearman,
)
from benchmarks.clicks.models import Predictions, heads, lightgbm, logistic_regression
from benchmarks.clicks.pages import Floats, Searches, make_searches
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table, with_interval

WEIGHTS = ", weighted"
LINEAR, TREES, NUMBERS, TEXT = "logistic regression", "LightGBM", "aisle, numbers", "aisle, numbers and BERT"
UNWEIGHTED = 1.0
"""The clip under which every weight is 1."""


FIGURES = (
    Figure("ece", lambda found: _of(found, TEXT, "ece"), most=0.010),
    Figure("true_log_loss", lambda found: _of(found, TEXT, "true_log_loss"), most=0.396),
    Figure("auc", lambda found: _of(found, TEXT, "auc"), least=0.715),
    Figure("ece_of_lightgbm", lambda found: _of(found, TREES, "ece")),
    Figure("auc_of_lightgbm", lambda found: _of(found, TREES, "auc")),
)
"""Of the head with numbers and BERT: those of docs/results.md, with a little to spare."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--users", type=int, default=2_000)
    command.add_argument("--items", type=int, default=800)
    command.add_argument("--days", type=int, default=60)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--pages", type=int, default=2_000, help="at most so many searches of each window")
    command.add_argument("--clip", type=float, default=10.0, help="inverse propensities are clipped here")
    command.add_argument("--without-heads", action="store_true", help="the two baselines alone")
    command.run(measured, {"clicks": markdown})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> dict[str, Any]:
    """What is found in the shop that the command line describes."""
    options = SimulatorOptions(users=told.users, items=told.items, days=told.days, seed=told.seed)
    searches = make_searches(options, told.pages, scratch)
    return measure(searches, predict(searches, told.clip, scratch, told.seed, not told.without_heads))


def _of(found: dict[str, Any], model: str, measure: str) -> float | None:
    """A model's measure; None where it wasn't asked for."""
    return float(found["models"][model][measure]) if model in found["models"] else None


def predict(
    searches: Searches, clip: float, scratch: pathlib.Path, seed: int, with_heads: bool
) -> dict[str, Predictions]:
    """What every model predicts, by name, without and with weights."""
    found = {}
    for name, most in (("", UNWEIGHTED), (WEIGHTS, clip)):
        found[LINEAR + name] = logistic_regression(searches, most)
        found[TREES + name] = lightgbm(searches, most)
        if with_heads:
            found[NUMBERS + name], found[TEXT + name] = heads(searches, most, scratch / f"clip-{most}", seed)
        print(f"trained{name}", flush=True)
    return found


def measure(searches: Searches, models: dict[str, Predictions]) -> dict[str, Any]:
    """Every model's measures on the test, and what the weights change of each; see `markdown` for the shape."""
    test = searches.test
    return {
        "rows": {name: len(getattr(searches, name).page) for name in ("train", "valid", "test")},
        "pages": int(test.page.max()) + 1,
        "rates": {
            "observed clicks": float(test.clicked.mean()),
            "true clicks": float(test.click.mean()),
            "true attraction": float(test.attraction.mean()),
            "observed purchases": float((test.bought > 0).mean()),
        },
        "models": {name: _clicks(searches, one) | _purchases(searches, one) for name, one in models.items()},
        "gains": {
            name: _gain(searches, models[name], models[name + WEIGHTS])
            for name in models
            if name + WEIGHTS in models
        },
    }


def _clicks(searches: Searches, model: Predictions) -> dict[str, Any]:
    """Against the observed clicks, and against the truth: of a click, and of one on what is looked at."""
    test, valid = searches.test, searches.valid
    raw = model.test.click
    shown = Platt.fit(model.valid.click, valid.clicked)(raw)
    looked_at = Platt.fit(model.valid.click, valid.clicked * valid.inverse)(raw)
    ndcg = page_ndcg(raw, test.attraction, test.page)
    return {
        "auc": auc(raw, test.clicked),
        "log_loss": float(log_loss(shown, test.clicked).mean()),
        "ece": expected_calibration_error(shown, test.clicked),
        "ece_raw": expected_calibration_error(raw, test.clicked),
        "true_log_loss": float(log_loss(shown, test.click).mean()),
        "attraction_auc": auc(raw, test.attraction),
        "attraction_log_loss": float(log_loss(looked_at, test.attraction).mean()),
        "ndcg": float(np.nanmean(ndcg)),
        "ndcg_ci": bootstrap_interval(ndcg),
        "spearman": float(np.nanmean(page_spearman(raw, test.attraction, test.page))),
    }


def _purchases(searches: Searches, model: Predictions) -> dict[str, Any]:
    """Purchases of what was shown (CTCVR), and of what was clicked (CVR)."""
    test, valid = searches.test, searches.valid
    known = valid.bought >= 0
    both = Platt.fit(model.valid.both[known], valid.bought[known])(model.test.both)
    given = model.test.both / np.maximum(model.test.click, 1e-6)
    settled = test.bought >= 0
    clicked = settled & (test.clicked > 0)
    return {
        "ctcvr_auc": auc(both[settled], test.bought[settled]),
        "ctcvr_log_loss": float(log_loss(both[settled], test.bought[settled]).mean()),
        "ctcvr_ece": expected_calibration_error(both[settled], test.bought[settled]),
        "cvr_auc": auc(given[clicked], test.bought[clicked]),
        "cvr_true_auc": auc(given, test.conversion),
    }


def _gain(searches: Searches, one: Predictions, weighted: Predictions) -> dict[str, Any]:
    """The weighted model less the other, with paired 95 % intervals over pages."""
    test = searches.test

    def ndcg(model: Predictions) -> Floats:
        return page_ndcg(model.test.click, test.attraction, test.page)

    def loss(model: Predictions) -> Floats:
        calibrated = Platt.fit(model.valid.click, searches.valid.clicked)(model.test.click)
        return page_means(log_loss(calibrated, test.clicked), test.page)

    return {
        "ndcg": float(np.nanmean(ndcg(weighted) - ndcg(one))),
        "ndcg_ci": paired_interval(ndcg(weighted), ndcg(one)),
        "log_loss": float((loss(weighted) - loss(one)).mean()),
        "log_loss_ci": paired_interval(loss(weighted), loss(one)),
        "auc": auc(weighted.test.click, test.clicked) - auc(one.test.click, test.clicked),
        "auc_ci": auc_gain_interval(weighted.test.click, one.test.click, test.clicked, test.page),
    }


COLUMNS = {
    "auc": "AUC", "log_loss": "log loss", "ece": "ECE", "true_log_loss": "log loss, truth",
    "attraction_auc": "AUC, looked at", "attraction_log_loss": "log loss, looked at", "ndcg": "nDCG, looked at",
    "spearman": "Spearman", "ctcvr_auc": "CTCVR AUC", "ctcvr_log_loss": "CTCVR log loss", "cvr_auc": "CVR AUC",
}  # fmt: skip


def markdown(found: dict[str, Any]) -> str:
    """The tables people read."""
    rates = ", ".join(f"{name} {rate:.4f}" for name, rate in found["rates"].items())
    lines = [
        f"{found['rows']['train']:,} results train, {found['rows']['valid']:,} validate, {found['rows']['test']:,} "
        f"on {found['pages']:,} pages test ({rates}). It took {found['minutes']} minutes.",
        "",
        table(
            ("", *COLUMNS.values()),
            ((name, *(f"{one[column]:.4f}" for column in COLUMNS)) for name, one in found["models"].items()),
        ),
        "",
        "What the weights change (95 %, paired bootstrap over pages):",
        "",
        table(
            ("", "AUC", "log loss", "nDCG, looked at"),
            (
                (name, *(with_interval(one[key], one[f"{key}_ci"]) for key in ("auc", "log_loss", "ndcg")))
                for name, one in found["gains"].items()
            ),
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
