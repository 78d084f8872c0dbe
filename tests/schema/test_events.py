"""A kind of events is one record: registered, it is cleaned, weighed, counted, served and reported."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from aisle.components.anomaly_gate.infer_schema import infer_table_schema
from aisle.components.anomaly_gate.statistics import table_statistics
from aisle.components.labeler.label import label
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.searches.attribution import attribute
from aisle.components.labeler.summary import summarise
from aisle.model.retrieval.counts import COUNTS
from aisle.model.retrieval.state import make_state
from aisle.schema.events import KINDS, EventKind, looks, names, sales, weights
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY
from tests.components.cleaned_shop import EVENT, clean_rows

COLUMNS = ("timestamp", "event", "item_id", "user_id", "session_id", "query", "position")


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    wish = EventKind("wish", weight=0.4)
    KINDS.append(wish)
    yield
    KINDS.remove(wish)


def _events(logs_impressions: bool) -> pl.DataFrame:
    """A wish a day among purchases, in a shop that logs what it showed or doesn't."""
    rows = []
    for day in range(60):
        visit = (f"i{day % 7}", f"u{day % 3}", f"s{day}", None, 1)
        shown = [(day * DAY, "impression", *visit)] if logs_impressions else []
        rows += [*shown, (day * DAY + 1, "wish" if day % 2 else "purchase", *visit)]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row").cast({"query": pl.String, "position": pl.Int64})


def _tables(events: pl.DataFrame) -> dict[str, pa.Table]:
    items = pl.DataFrame({"item_id": [f"i{n}" for n in range(7)], "title": [f"mug {n}" for n in range(7)]})
    return {"events": events.to_arrow(), "items": items.to_arrow()}


def test_it_is_no_unknown_value_to_the_cleaner_nor_to_the_schema() -> None:
    result = clean_rows(events=[{**EVENT, "event": "wish"}])
    assert result.tables["events"]["event"].to_pylist() == ["wish"]
    statistics = table_statistics(pa.table({"event": ["purchase", "click"]}))
    (feature,) = infer_table_schema("events", statistics).feature
    assert set(feature.string_domain.value if feature.string_domain.value else []) <= set(names())
    assert "wish" in names()
    assert "wish" not in {*looks(), *sales()}


@pytest.mark.parametrize("logs_impressions", [True, False])
def test_it_is_learnt_from_and_reported_whether_or_not_the_shop_logs_what_it_shows(
    logs_impressions: bool,
) -> None:
    labelled = label(_tables(_events(logs_impressions)), LabelerOptions(min_queries=1))
    taken = pl.DataFrame(pl.from_arrow(labelled.tables["interactions"]))
    wished = taken.filter(pl.col("event") == "wish")
    assert wished.height == 30
    assert wished["weight"].unique().to_list() == [pytest.approx(weights()["wish"])]
    users = pl.DataFrame({"user_id": ["u0"], "country": [None]}, schema_overrides={"country": pl.String})
    state = make_state(taken, users, [f"i{n}" for n in range(7)], 60 * DAY)
    # 30 wishes and 30 purchases, each by its weight.
    np.testing.assert_allclose(state.counts[:, COUNTS.index("count")].sum(), 30 * 0.4 + 30, rtol=1e-5)
    counted = [record["events"] for record in summarise(labelled, LabelerOptions())["splits"]]
    assert sum(one["count"] for part in counted for one in part if one["event"] == "wish") == 30


def test_it_answers_what_was_shown() -> None:
    attribution = attribute(_events(logs_impressions=True), LabelerOptions())
    assert attribution.touches["shown"].null_count() == 0
    assert attribution.touches.height == 60
