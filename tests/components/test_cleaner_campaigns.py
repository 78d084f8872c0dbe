"""What the gate and the cleaner make of campaigns, and how they and what was sponsored are read."""

from __future__ import annotations

import pathlib
import runpy
import types
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.ads.market import Market
from aisle.ads.table import campaigns
from aisle.components.anomaly_gate.evidence import TableEvidence
from aisle.components.anomaly_gate.judge import judge
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.cleaner.campaigns.export import export_campaigns
from aisle.components.example_gen.reader import read_table
from aisle.components.tables import write_tables
from aisle.schema.tables import CAMPAIGNS, EVENTS

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("cleaned_shop.py"))))
EVENT, ITEM, NOW, DAY = SHOP.EVENT, SHOP.ITEM, SHOP.NOW, 86_400 * SHOP.SECOND
clean_rows, gone_from, steps_of, table_of = SHOP.clean_rows, SHOP.gone_from, SHOP.steps_of, SHOP.table_of
ITEMS = [
    {**ITEM, "category": "Home/Vases"},
    {**ITEM, "item_id": "RED-1", "title": "MUG", "category": "Home/Mugs"},
]
ROW: dict[str, Any] = {
    **{"campaign_id": "c", "advertiser_id": "a", "item_id": "10001", "category": None, "query": None},
    **{"bid": 5, "bid_kind": "click", "budget": 100, "starts_at": NOW - DAY, "ends_at": NOW + DAY},
    **{"frequency_cap": None, "currency": "EUR"},
}
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "negative": ({"bid": -1}, "bid", "bad bid"),
    "huge": ({"bid": 10**12 + 1}, "bid", "bad bid"),
    "owes": ({"budget": -1}, "budget", "bad budget"),
    "never": ({"frequency_cap": 0}, "frequency_cap", "bad frequency_cap"),
    "views": ({"bid_kind": "view"}, "bid_kind", "unknown bid_kind"),
    "backwards": ({"ends_at": NOW - DAY}, "ends_at", "ended before it started"),
    "nothing": ({"item_id": None}, "item_id", "neither an item nor a category"),
    "both": ({"category": "Home"}, "category", "an item and a category"),
}


def cleaned(*rows: dict[str, Any]) -> Any:
    return clean_rows(items=ITEMS, events=[EVENT], campaigns=list(rows))


def judged(*rows: dict[str, Any]) -> dict[str, str]:
    """The gate's findings by name, each with its severity."""
    tables = {"items": table_of(ITEMS), "campaigns": table_of(list(rows))}
    evidence = [
        TableEvidence(name, {"read": len(table), "kept": len(table), "quarantined": 0}, rows=table)
        for name, table in tables.items()
    ]
    return {one["name"]: one["severity"] for one in judge(evidence, GateOptions(), NOW)["anomalies"]}


def test_what_nobody_can_mean_is_quarantined_with_its_reason_and_found_by_the_gate() -> None:
    rows = [{**ROW, **changed, "campaign_id": name} for name, (changed, _, _) in BAD.items()]
    result = cleaned(ROW, *rows)
    expected = [("campaigns", place, column, why) for place, (_, column, why) in enumerate(BAD.values(), 3)]
    assert sorted(gone_from(result)) == sorted(expected)
    assert [row["campaign_id"] for row in result.tables["campaigns"].to_pylist()] == ["c"]
    good = [{**ROW, "campaign_id": f"good{nth}"} for nth in range(40)]
    columns = {column for _, column, _ in BAD.values()}
    assert judged(*good, *rows) == {f"campaigns.{column}:BAD_CAMPAIGNS": "WARNING" for column in columns}
    assert judged(ROW, *rows)["campaigns.bid:BAD_CAMPAIGNS"] == "ERROR"  # 2 of 9: more than a fifth.
    assert judged(*good) == {}


def test_unknown_items_and_categories_go_and_known_ones_are_spelled_as_the_items_are() -> None:
    shelf = {**ROW, "item_id": None}
    rows = [
        {**ROW, "campaign_id": "case", "item_id": "red-1"},
        {**shelf, "campaign_id": "sign", "category": " home > VASES"},
        {**shelf, "campaign_id": "above", "category": "home"},
        {**ROW, "campaign_id": "strange", "item_id": "99"},
        {**shelf, "campaign_id": "other", "category": "Home/Vase"},
    ]
    result = cleaned(*rows)
    assert [(row["campaign_id"], row["item_id"], row["category"]) for row in result.tables["campaigns"].to_pylist()] == [
        ("case", "RED-1", None), ("sign", None, "Home/Vases"), ("above", None, "Home"),
    ]  # fmt: skip
    assert gone_from(result) == [
        ("campaigns", 6, "category", "unknown category"), ("campaigns", 5, "item_id", "unknown item"),
    ]  # fmt: skip
    assert judged(*rows, *[{**ROW, "campaign_id": f"c{nth}"} for nth in range(9)]) == {
        "campaigns.item_id:UNKNOWN_ITEMS": "WARNING", "campaigns.category:UNKNOWN_CATEGORIES": "WARNING",
    }  # fmt: skip


def test_several_currencies_stop_the_run_and_let_through_leave_the_commonest() -> None:
    rows = [ROW, {**ROW, "campaign_id": "d", "currency": "eur"}, {**ROW, "campaign_id": "e", "currency": None},
            {**ROW, "campaign_id": "f", "currency": "USD"}]  # fmt: skip
    assert judged(*rows) == {"campaigns.currency:MIXED_CURRENCIES": "ERROR"}
    result = cleaned(*rows)
    assert result.tables["campaigns"]["currency"].to_pylist() == ["EUR"] * 3
    assert gone_from(result) == [("campaigns", 5, "currency", "another currency than the other campaigns'")]


def test_what_ended_or_has_no_money_stays_and_is_told() -> None:
    rows = [{**ROW, "campaign_id": "old", "starts_at": 1, "ends_at": NOW}, {**ROW, "campaign_id": "poor", "budget": 0},
            {**ROW, "campaign_id": "idle", "bid": 0}]  # fmt: skip
    result = cleaned(*rows)
    assert len(campaigns(result.tables["campaigns"].to_pylist())) == 3
    steps = steps_of(result, "campaigns")
    assert steps["ended: not shown any more"] == ("noted", 1)
    assert steps["bid or budget of zero: not shown"] == ("noted", 2)
    found = judged(*rows)
    assert {name for name in found if name.endswith("NOT_SHOWN")} == {
        f"campaigns.{name}:NOT_SHOWN" for name in ("ends_at", "budget", "bid")
    }
    assert set(found.values()) == {"WARNING"}


def test_the_last_row_of_a_campaign_holds_and_what_is_paid_for_is_a_click_where_nothing_is_said() -> None:
    bare = {name: ROW[name] for name in ("campaign_id", "advertiser_id", "item_id", "bid", "budget", "starts_at", "ends_at")}  # fmt: skip
    result = cleaned(bare, {**bare, "bid": 7})
    assert set(result.tables["campaigns"].column_names) == {column.name for column in CAMPAIGNS.columns}
    assert [(row["bid"], row["bid_kind"]) for row in result.tables["campaigns"].to_pylist()] == [(7, "click")]
    assert steps_of(result, "campaigns")["a campaign said more than once: the last read"] == ("merged", 1)
    assert cleaned({**ROW, "bid_kind": "CPA"}).tables["campaigns"]["bid_kind"].to_pylist() == ["purchase"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda **changed: {**ROW, **changed},
            campaign_id=st.sampled_from(["a", "b", " a "]),
            bid=st.integers(-1, 3) | st.sampled_from([10**12, 2**63 - 1]),
            budget=st.integers(-1, 3),
            item_id=st.sampled_from(["10001", "9", None]),
            category=st.sampled_from(["Home", "home/mugs", "x", None]),
            bid_kind=st.sampled_from(["click", "Purchase", "view", None]),
            ends_at=st.sampled_from([NOW - DAY, NOW, 2**62]),
            frequency_cap=st.sampled_from([None, 0, 1]),
            currency=st.sampled_from(["EUR", "usd", None]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_left_is_campaigns_that_an_auction_takes(rows: list[dict[str, Any]]) -> None:
    result = cleaned(*rows)
    ledger = result.ledger["tables"]["campaigns"]
    assert ledger["read"] == len(rows) == ledger["used"] + ledger["merged"] + ledger["quarantined"]
    assert len(Market(campaigns(result.tables["campaigns"].to_pylist()))) == ledger["used"]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [("0.5", "not an integer"), ("NaN", "missing required value"), ("1e20", "not an integer"),
     (str(10**20), "integer beyond 64 bits"), ("", "missing required value")],
)  # fmt: skip
def test_a_bid_that_is_no_whole_number_is_quarantined_by_the_reader(
    cell: str, reason: str, tmp_path: pathlib.Path
) -> None:
    head = "campaign_id,advertiser_id,item_id,bid,budget,starts_at,ends_at\n"
    rows = f"c,a,10001,{cell},100,2026-03-01,2026-04-01\nd,a,10001,5,100,2026-03-01,9999-12-31\n"
    (tmp_path / "campaigns.csv").write_text(head + rows, encoding="utf-8")
    read = read_table(str(tmp_path), CAMPAIGNS)
    assert read.quarantine.select(["column", "reason"]).to_pylist() == [{"column": "bid", "reason": reason}]
    assert read.rows["campaign_id"].to_pylist() == ["d"]


def test_what_was_sponsored_is_read_as_one_or_zero_from_text_and_from_parquet(tmp_path: pathlib.Path) -> None:
    told = ["true", "False", "1", "0.0", "Y", "n", ""]
    lines = [f"2026-03-01 00:00:0{nth},click,a,{cell}\n" for nth, cell in enumerate((*told, "sidebar"))]
    (tmp_path / "events.csv").write_text(
        "timestamp,event,item_id,sponsored\n" + "".join(lines), encoding="utf-8"
    )
    read = read_table(str(tmp_path), EVENTS)
    assert read.rows["sponsored"].to_pylist() == [1, 0, 1, 0, 1, 0, None]
    assert read.quarantine["reason"].to_pylist() == ["neither true nor false"]
    (tmp_path / "events.csv").unlink()
    rows = {
        "timestamp": [1, 2, 3],
        "event": ["click"] * 3,
        "item_id": ["a"] * 3,
        "sponsored": [True, None, False],
    }
    table = pa.table(rows).set_column(0, "timestamp", pa.array([1, 2, 3], pa.timestamp("us", "UTC")))
    pq.write_table(table, tmp_path / "events.parquet")
    assert read_table(str(tmp_path), EVENTS).rows["sponsored"].to_pylist() == [1, None, 0]


def test_the_exported_file_has_the_tables_layout_and_is_emptied_where_a_run_has_no_campaigns(
    tmp_path: pathlib.Path,
) -> None:
    bare = {name: ROW[name] for name in ("campaign_id", "advertiser_id", "item_id", "bid", "budget", "starts_at", "ends_at")}  # fmt: skip
    tables, out = tmp_path / "tables", tmp_path / "ads"
    export_campaigns(str(tables), str(out))
    assert not out.exists()
    write_tables(str(tables), {"campaigns": cleaned({**bare, "note": "from Anna"}).tables["campaigns"]})
    export_campaigns(str(tables), str(out))
    exported = pq.read_table(out / "campaigns.parquet")
    assert exported.column_names == [column.name for column in CAMPAIGNS.columns]
    assert campaigns(exported.to_pylist()) == campaigns([ROW | {"currency": None}])
    (tables / "campaigns.parquet").unlink()
    export_campaigns(str(tables), str(out))
    assert pq.read_table(out / "campaigns.parquet").num_rows == 0
