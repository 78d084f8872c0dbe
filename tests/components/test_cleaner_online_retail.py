"""The dirt of Online Retail, counted by pandas from the raw files and by the cleaner from what the adapter made."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pandas as pd
import pytest

from aisle.components.cleaner.clean import CleanResult, clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.reader import read_table
from aisle.datasets.online_retail import convert
from aisle.schema.tables import TABLE_BY_NAME

NOW = 1_704_067_200_000_000
WORDS = set(CleanerOptions().stock_notes)


@pytest.fixture(scope="module")
def raw(shared_data: pathlib.Path) -> pd.DataFrame:
    files = sorted((shared_data / "online-retail").glob("*.csv"))
    lines = pd.concat([pd.read_csv(path, dtype=str, keep_default_na=False) for path in files])
    lines["price"] = lines["UnitPrice"].astype(float)
    lines["pieces"] = lines["Quantity"].astype(int)
    lines["title"] = lines["Description"].str.split().str.join(" ")
    lines["cancelled"] = lines["InvoiceNo"].str.startswith("C")
    return lines.reset_index(drop=True)


@pytest.fixture(scope="module")
def result(shared_data: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> CleanResult:
    return _clean(shared_data, tmp_path_factory.mktemp("retail"), CleanerOptions())


def _clean(shared_data: pathlib.Path, folder: pathlib.Path, options: CleanerOptions) -> CleanResult:
    if not (folder / "t").exists():
        convert(shared_data / "online-retail", folder / "t")
    read = {name: read_table(str(folder / "t"), TABLE_BY_NAME[name]) for name in ("items", "users", "events")}
    return clean(
        {name: table.rows for name, table in read.items()},
        {name: table.provenance for name, table in read.items()},
        {name: table.quarantine for name, table in read.items()},
        options,
        NOW,
    )


def _counts(result: CleanResult, table: str, *outcomes: str) -> dict[str, int]:
    steps: list[dict[str, Any]] = result.ledger["tables"][table]["steps"]
    return {step["reason"]: step["rows"] for step in steps if step["outcome"] in outcomes}


def _is_note(text: str) -> bool:
    """Whether staff typed it: no letters, one of the known words, or not in the catalogue's capitals."""
    if not text:
        return False
    shouted = re.search("[A-Z]{2}", text)
    small = re.search(r"(?:^|\s)[a-z]", text) or " " not in text
    return not re.search("[A-Za-z]", text) or text.lower() in WORDS or (not shouted and bool(small))


def _one_code_for_twins(lines: pd.DataFrame) -> dict[str, str]:
    """The code that each code becomes: of those that differ in case and share a title, the one with most lines."""
    counts = lines["StockCode"].value_counts()
    titles = lines.groupby("StockCode")["title"].agg(set)
    first = {code.lower(): code for code in reversed(counts.index)}
    return {
        code: first[code.lower()] if titles[first[code.lower()]] & titles[code] else code
        for code in counts.index
    }


def test_every_invoice_line_is_accounted_for(result: CleanResult, raw: pd.DataFrame) -> None:
    entry = result.ledger["tables"]["events"]
    assert entry["read"] == len(raw) == 451_127
    assert entry["used"] + entry["quarantined"] + entry["merged"] == 451_127
    assert entry["used"] == result.tables["events"].num_rows


def test_what_is_lost_is_what_pandas_counts_reason_by_reason(result: CleanResult, raw: pd.DataFrame) -> None:
    left = raw.drop_duplicates()
    expected = {"exact duplicate": len(raw) - len(left)}
    assert expected == {"exact duplicate": 3_942}
    sold = ~left["cancelled"]
    for reason, wrong in [
        ("non-product code", ~left["StockCode"].str.contains(r"^\d{5}")),
        ("stock note in description", left["title"].map({t: _is_note(t) for t in left["title"].unique()})),
        ("bad quantity", sold & (left["pieces"] <= 0)),
        ("bad price", sold & (left["price"] <= 0)),
    ]:
        wrong = wrong.reindex(left.index)
        expected[reason] = int(wrong.sum())
        left, sold = left[~wrong], sold[~wrong]
    assert _counts(result, "events", "merged", "quarantined") == expected
    assert len(left) == result.tables["events"].num_rows

    noted = _counts(result, "events", "noted")
    assert noted["cancellation or return"] == int(left["cancelled"].sum()) > 7_000
    assert noted["no customer: used as anonymous"] == int((left["CustomerID"] == "").sum()) > 100_000


def test_negative_quantities_are_returns_or_taken_out(result: CleanResult, raw: pd.DataFrame) -> None:
    events = result.tables["events"].to_pandas()
    assert set(events[events["quantity"] < 0]["event"]) == {"return"}
    assert (raw["pieces"] < 0).sum() > 9_000


def test_one_code_under_several_descriptions_gets_its_most_frequent_title(
    result: CleanResult, raw: pd.DataFrame
) -> None:
    good = raw[raw["StockCode"].str.contains(r"^\d{5}") & (raw["title"] != "")]
    good = good[~good["title"].map({title: _is_note(title) for title in good["title"].unique()})]
    rows = good.groupby(["StockCode", "Description"]).ngroups
    # `85123A` and `85123a` are one item: of codes that differ in case, those with a title of the commonest's.
    good = good.assign(code=good["StockCode"].map(_one_code_for_twins(good)))
    votes = good.groupby(["code", "title"]).size()
    items = result.tables["items"].to_pandas().set_index("item_id")["title"]
    assert len(items) == good["code"].nunique() == good["StockCode"].nunique() - 104
    most = votes.groupby(level=0).max()
    assert all(votes[code, title] == most[code] for code, title in items.items())
    assert set(result.tables["events"]["item_id"].to_pylist()) <= set(good["code"])
    # The adapter lists a description once for each way it is spaced; all but one row of a code are merged.
    assert _counts(result, "items", "merged") == {
        "one title per item_id: most frequent, then latest": rows - len(items)
    }


def test_what_training_is_measured_on_is_left_whole(result: CleanResult, raw: pd.DataFrame) -> None:
    events = result.tables["events"].to_pandas()
    bought = events[(events["event"] == "purchase") & events["user_id"].notna()]
    own = raw.drop_duplicates()
    own = own[(own["CustomerID"] != "") & (own["pieces"] > 0) & (own["price"] > 0)]
    assert len(bought) == own["StockCode"].str.contains(r"^\d{5}").sum() == 326_267


def test_no_code_is_named_and_yet_postage_fees_and_corrections_are_found_by_how_they_sell(
    result: CleanResult, raw: pd.DataFrame
) -> None:
    found = result.quarantine.to_pandas()
    items = found[(found["table"] == "items") & (found["reason"] == "non-product code")]
    titled = raw[(raw["title"] != "") & ~raw["StockCode"].str.contains(r"^\d{5}")]
    assert set(items["value"].str.upper()) == set(titled["StockCode"].str.upper())
    assert {"POST", "DOT", "BANK CHARGES", "M", "D", "C2", "AMAZONFEE", "PADS"} < set(items["value"])
