"""Planted faults: the ground truth says exactly which line holds which, and nothing else is changed."""

from __future__ import annotations

import collections
import csv
import datetime
import pathlib
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from aisle.datasets.simulator import GROUND_TRUTH, Shop, SimulatorOptions, simulate, write
from aisle.datasets.simulator.faults.bots import BOT_ROWS, CRAWLS
from aisle.datasets.simulator.faults.catalogue import item_faults, user_faults
from aisle.datasets.simulator.faults.events import event_faults
from aisle.datasets.simulator.faults.plant import plan_faults
from aisle.datasets.simulator.languages.english import VOCABULARY

OPTIONS = SimulatorOptions(users=300, items=400, days=20, events=20_000, seed=5, dirt=0.1)
ITEM_FAULTS, USER_FAULTS, EVENT_FAULTS = (
    faults(VOCABULARY) for faults in (item_faults, user_faults, event_faults)
)
COPIES = {kind.name for kind in (*EVENT_FAULTS, *ITEM_FAULTS, *USER_FAULTS) if kind.copy}
BOTS = {"bot_session", "bot_user"}

Truth = list[dict[str, str]]


@pytest.fixture(scope="module")
def shop() -> Shop:
    return simulate(OPTIONS)


@pytest.fixture(scope="module")
def folder(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    dest = tmp_path_factory.mktemp("dirty")
    write(shop, dest)
    return dest


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    dest = tmp_path_factory.mktemp("clean")
    write(simulate(OPTIONS.model_copy(update={"dirt": 0.0})), dest)
    return dest


@pytest.fixture(scope="module")
def truth(folder: pathlib.Path) -> Truth:
    with (folder / GROUND_TRUTH).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines_of(path: pathlib.Path) -> list[bytes]:
    content = path.read_bytes()
    assert content.endswith(b"\n")
    return content[:-1].split(b"\n")


def test_the_ground_truth_covers_every_kind_and_about_the_share_asked_for(truth: Truth, shop: Shop) -> None:
    kinds = {(fault["table"], fault["kind"]) for fault in truth}
    expected = {("events", kind.name) for kind in EVENT_FAULTS} | {("events", kind) for kind in BOTS}
    expected |= {("items", kind.name) for kind in ITEM_FAULTS} | {
        ("users", kind.name) for kind in USER_FAULTS
    }
    assert kinds == expected
    assert len({kind for _, kind in kinds}) >= 30
    for table in ("items", "users", "events"):
        planted = sum(fault["table"] == table for fault in truth)
        assert planted == pytest.approx(0.1 * len(getattr(shop, table)), abs=1)


def test_without_the_faulty_lines_only_clean_lines_are_left(
    folder: pathlib.Path, clean: pathlib.Path, truth: Truth
) -> None:
    faulty: dict[str, dict[int, str]] = collections.defaultdict(dict)
    for fault in truth:
        assert int(fault["line"]) not in faulty[fault["file"]], "two faults on one line"
        faulty[fault["file"]][int(fault["line"])] = fault["kind"]
    for path in sorted(clean.rglob("*.csv")):
        name = path.relative_to(clean)
        if name == GROUND_TRUTH:
            continue
        here = faulty[name.as_posix()]
        rest = [line for number, line in enumerate(lines_of(folder / name), start=1) if number not in here]
        original = iter(lines_of(path))
        assert all(line in original for line in rest), f"{name}: a line was changed and not listed"
        in_place = sum(kind not in COPIES | BOTS for kind in here.values())
        assert len(rest) + in_place == len(lines_of(path))


def is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()


CHECKS: dict[str, Callable[[dict[str, str]], bool]] = {
    "missing_item": lambda row: row["item_id"] == "",
    "unknown_item": lambda row: row["item_id"].startswith("x"),
    "bad_price": lambda row: float(row["price"]) <= 0,
    "nan_price": lambda row: not np.isfinite(float(row["price"])),
    "integer_overflow": lambda row: int(row["quantity"]) >= 2**63,
    "outlier_quantity": lambda row: int(row["quantity"]) >= 5_000,
    "future_timestamp": lambda row: (row.get("timestamp") or row["joined_at"]) > "2070",
    "bad_event": lambda row: row["event"] in ("view", "buy", "add_to_cart", "clik", "checkout"),
    "script_in_title": lambda row: "<" in row["title"],
    "conflicting_title": lambda row: row["title"] in ("damaged", "?", "do not use", "wrong label"),
    "outlier_age": lambda row: int(row["age"]) >= 150,
    "category_noise": lambda row: row["category"] != row["category"].strip() or " / " in row["category"],
    "country_noise": lambda row: row["country"] != row["country"].strip(),
    "bot_session": lambda row: row["session_id"].startswith("bot") and row["user_id"] == "",
    "bot_user": lambda row: row["event"] == "click" and row["user_id"].startswith("u9"),
    "non_product": lambda row: not row["item_id"].startswith("i"),
    "item_noise": lambda row: row["item_id"] != row["item_id"].strip(),
    "title_noise": lambda row: row["title"] != row["title"].strip(),
    "event_noise": lambda row: row["event"] != row["event"].strip(),
    "currency_price": lambda row: any(mark in row["price"] for mark in "\u00a3$E"),
    "outlier_price": lambda row: float(row["price"]) > 0,
    "bad_quantity": lambda row: int(row["quantity"]) <= 0,
    "bad_position": lambda row: int(row["position"]) < 1,
    "bad_rating": lambda row: not 1 <= float(row["rating"]) <= 5,
    "bad_stock": lambda row: int(row["stock"]) < 0,
    "bad_age": lambda row: int(row["age"]) < 1,
    "unset_clock": lambda row: row["timestamp"].startswith("2000-01-01"),
    "bad_timestamp": lambda row: not row["timestamp"].startswith("2025-12-0") or "25:" in row["timestamp"],
    "former_title": lambda row: row["title"].startswith("Discontinued"),
    "former_country": lambda row: row["country"] == "Atlantis",
}


def test_each_listed_line_holds_the_fault_it_is_listed_for(folder: pathlib.Path, truth: Truth) -> None:
    files = {name: lines_of(folder / name) for name in {fault["file"] for fault in truth}}
    for fault in truth:
        kind, raw = fault["kind"], files[fault["file"]][int(fault["line"]) - 1]
        header = files[fault["file"]][0].decode().split(",")
        if kind == "invalid_utf8":
            with pytest.raises(UnicodeDecodeError):
                raw.decode()
            assert fault["value"].endswith("caf\\xe9 \\xff")
            continue
        cells = next(csv.reader([raw.decode()]))
        if kind == "ragged_row":
            assert abs(len(cells) - len(header)) == 1
            continue
        row = dict(zip(header, cells, strict=True))
        if fault["column"]:
            assert row[fault["column"]] == fault["value"]
        if kind in ("exact_duplicate", "near_duplicate", "partial_duplicate"):
            before = files[fault["file"]][1 : int(fault["line"]) - 1]
            assert any(is_copy(kind, row, raw, line) for line in before)
        elif kind == "missing_required":
            assert fault["column"] in ("timestamp", "event", "title") and fault["value"] == ""
        elif kind == "wrong_type":
            assert not is_number(row[fault["column"]])
        elif kind == "epoch_timestamp":
            assert fault["value"] == "1970-01-01 00:00:00"
        else:
            assert CHECKS[kind](row), (fault, row)


def is_copy(kind: str, row: dict[str, str], raw: bytes, line: bytes) -> bool:
    """Whether `row` repeats `line`: to the byte, or 1 to 3 seconds later, perhaps without query and position."""
    if kind == "exact_duplicate":
        return line == raw
    if line[:2] != b"20" or b",%s," % row["item_id"].encode() not in line:
        return False
    cells = next(csv.reader([line.decode("utf-8", "replace")]))
    before = dict(zip(row, cells, strict=False))
    first = before["timestamp"]
    lost = {"timestamp", "query", "position"} if kind == "partial_duplicate" else {"timestamp"}
    if any(before.get(name) != row[name] for name in row if name not in lost):
        return False
    gap = datetime.datetime.fromisoformat(row["timestamp"]) - datetime.datetime.fromisoformat(first)
    return 1 <= gap.total_seconds() <= 3


def test_a_bot_races_through_a_session_or_crawls_all_day_at_an_even_pace(
    folder: pathlib.Path, truth: Truth
) -> None:
    for kind in sorted(BOTS):
        faults = [fault for fault in truth if fault["kind"] == kind]
        assert faults and set(collections.Counter(fault["value"] for fault in faults).values()) == {BOT_ROWS}
        lines = lines_of(folder / faults[0]["file"])
        numbers = [int(fault["line"]) for fault in faults if fault["value"] == faults[0]["value"]]
        clicks = [next(csv.reader([lines[number - 1].decode()])) for number in numbers]
        times = np.array([cells[0].replace(" ", "T") for cells in clicks], dtype="datetime64[s]")
        gaps = np.diff(times).astype(int)
        sessions = len({cells[4] for cells in clicks})
        if kind == "bot_session":
            assert sessions == 1 and gaps.max() <= 1
        else:
            assert sessions == CRAWLS
            within = gaps[gaps < 600]
            assert len(within) == BOT_ROWS - CRAWLS and np.ptp(within) <= 2


def test_written_rows_are_the_lines_there_are(shop: Shop, tmp_path: pathlib.Path) -> None:
    written = write(shop, tmp_path / "shop")
    for table in ("items", "users", "judgements"):
        assert written.rows[table] == len(lines_of(tmp_path / "shop" / f"{table}.csv")) - 1
    days = sorted((tmp_path / "shop" / "events").iterdir())
    assert len(days) == 20
    assert written.rows["events"] == sum(len(lines_of(day)) - 1 for day in days)
    assert sum(written.faults.values()) == len(lines_of(tmp_path / "shop" / GROUND_TRUTH)) - 1


def test_a_clean_shop_has_an_empty_ground_truth_and_reads_back_as_it_was(clean: pathlib.Path) -> None:
    assert (clean / GROUND_TRUTH).read_text() == "table,file,line,kind,column,value\n"
    items = pl.read_csv(clean / "items.csv", try_parse_dates=True)
    assert items.equals(simulate(OPTIONS).items.with_columns(pl.col("available_at").cast(pl.Datetime("us"))))


@pytest.mark.parametrize("dirt", [0.0, 0.3, 1.0])
def test_a_plan_hits_the_share_and_faults_that_need_a_sale_hit_sales(dirt: float) -> None:
    is_sale = np.arange(2_000) % 20 == 0
    plan = plan_faults(EVENT_FAULTS, is_sale, dirt, np.random.default_rng(0))
    assert len(plan.faults) == pytest.approx(dirt * 2_000, abs=50 if dirt == 1.0 else 1)
    assert all(is_sale[row] for row, kind in plan.faults.items() if kind.sales_only)
    assert not plan.bots
