"""The gate's check for columns that are known only after the event."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aisle.components.anomaly_gate.evidence import TableEvidence
from aisle.components.anomaly_gate.findings.leakage import held_out_auc
from aisle.components.anomaly_gate.judge import judge
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.reports.publish import as_json
from aisle.components.reports.schemas import validate

NOW = 20_000 * 24 * 60 * 60 * 1_000_000
ROWS = 2000
RNG = np.random.default_rng(7)
PURCHASE = RNG.random(ROWS) < 0.2
EVENTS = {
    "event": np.where(PURCHASE, "purchase", "impression"),
    "item_id": np.array([f"i{n}" for n in RNG.integers(0, 100, ROWS)]),
}


def _table(name: str, columns: dict[str, Any]) -> TableEvidence:
    rows = pa.table({column: pa.array(values) for column, values in columns.items()})
    return TableEvidence(name, {"read": len(rows), "kept": len(rows), "quarantined": 0}, rows=rows)


def _leaks(*tables: TableEvidence, **options: Any) -> dict[str, dict[str, Any]]:
    report = judge(tables, GateOptions(**options), NOW)
    validate("anomalies", as_json(report))
    return {a["name"]: a for a in report["anomalies"] if a["type"] == "LABEL_LEAKAGE"}


def _leaks_of_events(column: Any, **options: Any) -> dict[str, dict[str, Any]]:
    return _leaks(_table("events", {**EVENTS, "extra": column}), **options)


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param(PURCHASE.astype(float), id="the label itself"),
        pytest.param(RNG.random(ROWS) + 10 * PURCHASE, id="a number that jumps with the label"),
        pytest.param(np.where(PURCHASE, 5, RNG.choice([1, 9], ROWS)), id="in the middle, not monotone"),
        pytest.param(np.where(PURCHASE, "paid", "open"), id="a state that names it"),
        pytest.param([1.5 if hit else None for hit in PURCHASE], id="filled only on purchases"),
        pytest.param(
            [f"o{n}" if hit and n % 2 else None for n, hit in enumerate(PURCHASE)], id="an order's number"
        ),
    ],
)
def test_a_planted_leak_is_found(planted: Any) -> None:
    finding = _leaks_of_events(planted)["events.extra:LABEL_LEAKAGE"]
    assert finding["severity"] == "WARNING"
    assert finding["value"] > finding["threshold"] == 0.99
    assert "purchase" in finding["what"]
    assert len(finding["examples"]) == 3


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(RNG.random(ROWS), id="noise"),
        pytest.param(RNG.random(ROWS) + 0.7 * PURCHASE, id="a good but honest predictor"),
        pytest.param(np.arange(ROWS), id="a row number"),
        pytest.param(np.array([f"v{n}" for n in range(ROWS)]), id="an id a row"),
        pytest.param(RNG.choice(["phone", "laptop"], ROWS), id="a category"),
        pytest.param(np.full(ROWS, "web"), id="a constant"),
        pytest.param(np.full(ROWS, np.nan), id="nothing but NaN"),
        pytest.param(np.where(RNG.random(ROWS) < 0.5, np.inf, -np.inf), id="infinities"),
    ],
)
def test_what_may_be_known_before_is_no_leak(sound: Any) -> None:
    assert _leaks_of_events(sound) == {}


def test_declared_outcomes_are_no_leaks_for_they_are_no_features() -> None:
    quantity = [int(hit) if hit else None for hit in PURCHASE]
    assert _leaks(_table("events", {**EVENTS, "quantity": quantity})) == {}


def test_what_follows_a_click_leaks_the_click() -> None:
    clicked = RNG.random(ROWS) < 0.3
    events = {**EVENTS, "event": np.where(clicked, "click", "impression")}
    dwell = [30.0 if click else None for click in clicked]
    assert (
        "click" in _leaks(_table("events", {**events, "dwell": dwell}))["events.dwell:LABEL_LEAKAGE"]["what"]
    )


def test_a_number_of_the_items_that_counts_their_purchases_is_a_leak() -> None:
    ids = np.array([f"i{n}" for n in range(100)])
    sold = np.array([(EVENTS["item_id"][PURCHASE] == name).sum() for name in ids])
    items = {"item_id": ids, "units_sold": sold, "weight": RNG.random(100)}
    leaks = _leaks(_table("items", items), _table("events", EVENTS))
    assert list(leaks) == ["items.units_sold:LABEL_LEAKAGE"]
    assert leaks["items.units_sold:LABEL_LEAKAGE"]["value"] == pytest.approx(1.0)


def test_a_copy_of_the_grade_is_a_leak() -> None:
    grades = RNG.integers(1, 5, 200).astype(float)
    judgements = {"query": ["q"] * 200, "item_id": ["i"] * 200, "grade": grades, "votes": grades * 3}
    assert list(_leaks(_table("judgements", judgements))) == ["judgements.votes:LABEL_LEAKAGE"]


def test_the_threshold_is_an_option() -> None:
    good = RNG.random(ROWS) + PURCHASE * 0.7
    assert _leaks_of_events(good) == {}
    assert "events.extra:LABEL_LEAKAGE" in _leaks_of_events(good, max_leakage=0.9)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=8, max_size=60))
def test_the_held_out_auc_is_that_of_the_rates_learned_on_the_other_rows(
    rows: list[tuple[int, bool]],
) -> None:
    values, hit = np.array([value for value, _ in rows]), np.array([hit for _, hit in rows])
    text = pl.Series([f"v{value}" for value in values])
    learn = np.arange(len(rows)) % 2 == 0
    rates = np.array([
        (hit[learn & (values == v)].sum() + hit.mean()) / ((learn & (values == v)).sum() + 1) for v in values
    ])  # fmt: skip
    positive, negative = rates[~learn & hit], rates[~learn & ~hit]
    if not len(positive) or not len(negative):
        assert held_out_auc(text, hit) == 0.5
        return
    u = stats.mannwhitneyu(np.round(positive, 9), np.round(negative, 9)).statistic
    assert held_out_auc(text, hit) == pytest.approx(u / (len(positive) * len(negative)))
