"""A run's gate finds items that are rated badly far more often of late."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from aisle.components.anomaly_gate.evidence import TableEvidence
from aisle.components.anomaly_gate.findings.complaints import complaint_findings
from aisle.components.anomaly_gate.judge import judge
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.reports.publish import as_json
from aisle.components.reports.schemas import validate
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY


def _rated(bad_of_late: int, kind: str = "Product Reviewed") -> list[tuple[str, str, int, float | None]]:
    """Twenty ratings a day of an item, two of them bad; in the last five of twenty days some more are."""
    rows: list[tuple[str, str, int, float | None]] = [("purchase", "mug", 0, None)]
    for day in range(20):
        bad = bad_of_late if day >= 15 else 2
        rows += [(kind, "mug", day * DAY + n, 1.0 if n < bad else 5.0) for n in range(20)]
        rows += [(kind, "cup", day * DAY + n, 2.0 if n < 2 else 4.0) for n in range(20)]
    return rows


def _evidence(rows: list[tuple[Any, ...]]) -> TableEvidence:
    columns = dict(zip(("event", "item_id", "timestamp", "rating"), zip(*rows, strict=True), strict=True))
    counts = {"read": len(rows), "kept": len(rows), "quarantined": 0}
    return TableEvidence("events", counts, rows=pa.table(columns))


def test_bad_ratings_that_doubled_are_a_warning_with_the_item_and_the_day() -> None:
    report = judge([_evidence(_rated(8))], GateOptions(), 21 * DAY)
    validate("anomalies", as_json(report))
    (found,) = [one for one in report["anomalies"] if one["type"] == "COMPLAINTS_ROSE"]
    assert (found["severity"], found["value"]) == ("WARNING", 1)
    assert found["what"] == (
        "Of 1 item the share of bad ratings at least doubled. Most surely of mug: since 1970-01-16 40 %, before 10 %."
    )
    assert found["contributors"] == [
        {"value": "mug", "share": pytest.approx(0.4), "before": pytest.approx(0.1)}
    ]


@pytest.mark.parametrize(
    "rows",
    [
        _rated(2),
        _rated(8, kind="click"),
        [("review", "mug", n * DAY, 5.0) for n in range(30)],
        [("review", "mug", n * DAY, "five") for n in range(30)],
        [("purchase", "mug", 1, None)],
    ],
    ids=["no more than before", "no reviews", "every rating the same", "no numbers", "no ratings"],
)
def test_without_a_rise_there_is_no_finding(rows: list[tuple[Any, ...]]) -> None:
    assert list(complaint_findings([_evidence(rows)])) == []
