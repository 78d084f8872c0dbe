"""The gate behind the Cleaner: what counts as lost, what stops a run, and what it is told then."""

from __future__ import annotations

import pathlib
import pkgutil
import re
import runpy
import types
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from aisle.components.cleaner import keeping as keeping_module
from aisle.components.cleaner import steps
from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.keeping import keeping
from aisle.components.cleaner.losses import judge
from aisle.components.cleaner.losses.fates import fates
from aisle.components.cleaner.losses.judge import blocking_line
from aisle.components.cleaner.losses.options import LossOptions
from aisle.components.cleaner.losses.parts import Part, reasons_of
from aisle.components.cleaner.losses.tally import tally
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.options import ReadingOptions
from aisle.components.tables import PROVENANCE_SCHEMA, QUARANTINE_SCHEMA

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("cleaned_shop.py"))))
ITEM, EVENT = SHOP.ITEM, SHOP.EVENT


def weigh(fates: dict[str, pl.DataFrame], options: LossOptions) -> dict[str, Any]:
    """The judgement, of fates that are counted in two pieces."""
    halves = {
        name: (frame.head(len(frame) // 3), frame.slice(len(frame) // 3)) for name, frame in fates.items()
    }
    return judge.weigh({name: tally(name, pieces) for name, pieces in halves.items()}, options)


@pytest.mark.parametrize("piece", [1, 2, 5, 12])
def test_the_first_rows_that_were_lost_are_told_of_each_part(piece: int) -> None:
    lost = ["no price", "no price", "no title"] * 4
    rows = pl.DataFrame(
        {
            "file": "items.csv",
            "line": range(2, 14),
            "key": [f"i{n}" for n in range(12)],
            "category": ["Home/Mugs", "Home/Mugs/Red", "Home/Lamps"] * 2
            + ["Home/Lamps", "Home/Mugs", ""] * 2,
            "brand": None,
            "column": "price",
            "value": [str(n) for n in range(12)],
            "reason": lost,
        },
        schema_overrides={"brand": pl.String},
    )
    counted = tally("items", rows.iter_slices(piece))
    expected = {
        "": {"no price": (8, [2, 3, 5]), "no title": (4, [4, 7, 10])},
        "Home": {"no price": (8, [2, 3, 5]), "no title": (2, [4, 7])},
        "Home/Mugs": {"no price": (6, [2, 3, 5])},
        "Home/Lamps": {"no title": (2, [4, 7]), "no price": (2, [8, 11])},
    }
    for value, reasons in expected.items():
        part = Part("items", "category" if value else "", value, 12, 12)
        told = reasons_of(part, counted)
        found = [(row["reason"], (row["rows"], [place["line"] for place in row["examples"]])) for row in told]
        assert found == [*reasons.items()]


def fates_of(
    unread: dict[str, list[dict[str, Any]]] | None = None, called: dict[str, str] | None = None, **tables: Any
) -> dict[str, pl.DataFrame]:
    """What becomes of the rows of a shop, by table."""
    lost = {name: pa.Table.from_pylist(rows, QUARANTINE_SCHEMA) for name, rows in (unread or {}).items()}
    rows = {name: SHOP.table_of(given) for name, given in {"items": [ITEM], **tables}.items()}
    places = {
        name: pa.table(
            {"file": [f"{name}.csv"] * table.num_rows, "line": range(2, table.num_rows + 2)},
            schema=PROVENANCE_SCHEMA,
        )
        for name, table in rows.items()
    }
    result = clean(rows, places, lost, CleanerOptions(), now=SHOP.NOW)
    none = QUARANTINE_SCHEMA.empty_table()
    return {
        name: fates(name, rows[name], places[name], lost.get(name, none), result.taken[name], called or {})
        for name in rows
    }


def events(
    kind: str, read: int, lost: int, day: str = "2025-03-01", file: str = "events.csv"
) -> pl.DataFrame:
    """Fates of events of a kind, of which the first ones are lost."""
    line = pl.int_range(2, read + 2)
    said = {"event": kind, "day": day, "file": file, "column": "item_id", "value": "x9"}
    reason = pl.when(line < lost + 2).then(pl.lit("unknown item"))
    return pl.select(line=line, reason=reason, **{name: pl.lit(text) for name, text in said.items()})


def severities(losses: dict[str, Any]) -> dict[str, str]:
    return {part["name"]: part["severity"] for part in losses["parts"] if part["severity"]}


def part_of(losses: dict[str, Any], name: str) -> dict[str, Any]:
    return next(part for part in losses["parts"] if part["name"] == name)


def test_a_shop_whose_every_purchase_is_lost_stops_with_why_where_and_what_would_keep_them() -> None:
    clicks = [{**EVENT, "event": "click", "session_id": f"s{n}", "user_id": f"u{n}"} for n in range(40)]
    bad = [{**EVENT, "quantity": -1, "session_id": f"s{n}"} for n in range(3)]
    losses = weigh(fates_of(events=[*clicks, *bad]), LossOptions())
    assert losses["verdict"] == "blocked"
    assert losses["goal"] == {"read": "purchase", "used": "click"}
    assert losses["counts"] == {"ERROR": 1, "WARNING": 1, "ALLOWED": 0}
    purchases = losses["parts"][0]
    assert (purchases["name"], purchases["rows"], purchases["lost"]) == ("events.event=purchase", 3, 3)
    assert purchases["reasons"] == [
        {
            "reason": "bad quantity", "column": "quantity", "rows": 3,
            "keep": "write what came back as events called return, and leave quantity empty where it isn't known",
            "examples": [{"file": "events.csv", "line": line, "value": "-1"} for line in (42, 43, 44)],
        }
    ]  # fmt: skip
    assert blocking_line(losses, "out/cleaning.html") == (
        "all 3 purchases were lost, so that the models would learn click instead of purchase: 3 × quantity 'bad "
        "quantity' (events.csv:42 …). To keep them: write what came back as events called return, and leave "
        "quantity empty where it isn't known. To go on without them: --set 'losses.allowed=[\"events.event=purchase\"]'. See out/cleaning.html"
    )


def test_of_many_losses_the_line_names_the_first_five_and_the_commonest_reasons() -> None:
    days = [events("click", 50, 50, day=f"2025-03-0{day}") for day in range(2, 9)]
    reason = pl.when(pl.col("line") < 40).then(pl.lit("bad price")).otherwise("line")
    bad = events("click", 60, 60).with_columns(reason=reason.cast(pl.String), day=pl.lit("2025-02-01"))
    losses = weigh({"events": pl.concat([events("click", 9_000, 0), bad, *days])}, LossOptions())
    line = blocking_line(losses, "")
    assert line.startswith(
        "all 60 events of 2025-02-01 were lost: 38 × item_id 'bad price' (events.csv:2 …), 1 × "
    )
    assert ", 20 for other reasons; all 50 events of 2025-03-02 were lost; " in line
    assert "2025-03-05 were lost; 3 more. To keep them: " in line
    assert '"events.day=2025-03-05"]\'. See' in line


def test_what_is_allowed_by_name_goes_on_and_still_says_that_the_goal_changes() -> None:
    frame = {"events": pl.concat([events("click", 900, 0), events("purchase", 60, 60)])}
    losses = weigh(frame, LossOptions(allowed=("events.event=purchase",)))
    assert losses["verdict"] == "passed"
    assert severities(losses) == {"events.event=purchase": "ALLOWED", "events": "WARNING"}
    assert part_of(losses, "events.event=purchase")["what"].endswith("learn click instead of purchase")


@pytest.mark.parametrize(
    ("read", "lost", "severity"),
    [(100, 0, None), (100, 5, None), (100, 6, "WARNING"), (100, 30, "WARNING"), (100, 31, "ERROR"),
     (50, 16, "ERROR"), (49, 16, "WARNING"), (49, 49, "WARNING"), (50, 50, "ERROR")],
)  # fmt: skip
def test_a_kind_of_event_is_held_against_its_share_and_needs_rows_to_stop(
    read: int, lost: int, severity: str | None
) -> None:
    frame = pl.concat([events("cart", read, lost), events("purchase", 9_000, 0)])
    losses = weigh({"events": frame}, LossOptions())
    assert severities(losses).get("events.event=cart") == severity
    assert part_of(losses, "events")["severity"] is None


def test_one_part_has_a_share_of_its_own() -> None:
    frame = {"events": pl.concat([events("cart", 100, 40), events("purchase", 900, 0)])}
    options = LossOptions(stop_share_by_part={"events.event=cart": 0.4, "events": 0.03})
    assert severities(weigh(frame, options)) == {"events.event=cart": "WARNING", "events": "ERROR"}


def test_a_table_stops_where_it_loses_too_much_or_all() -> None:
    users = events("", 60, 19).drop("event", "day")
    assert severities(weigh({"users": users}, LossOptions())) == {"users": "ERROR"}
    assert severities(weigh({"users": events("", 100, 5)}, LossOptions())) == {}
    assert severities(weigh({"users": users.tail(45)}, LossOptions())) == {"users": "WARNING"}
    assert severities(weigh({"users": users.head(2)}, LossOptions())) == {"users": "ERROR"}


def test_a_name_of_events_that_nobody_knows_is_told_where_much_bears_it() -> None:
    often, once = events("view_item", 60, 60), events("clik", 20, 20)
    losses = weigh({"events": pl.concat([events("purchase", 920, 0), often, once])}, LossOptions())
    assert severities(losses) == {"events": "WARNING", "events.event=view_item": "WARNING"}
    assert part_of(losses, "events.event=view_item")["what"] == "all 60 events called 'view_item' were lost"


def test_a_day_and_a_file_of_which_nothing_is_left_stop_the_run() -> None:
    whole = events("click", 50, 50, day="2025-03-02", file="events/2.csv")
    most = events("click", 50, 16, day="2025-03-03", file="events/3.csv")
    few = events("click", 49, 49, day="2025-03-04", file="events/4.csv")
    losses = weigh({"events": pl.concat([events("click", 9_000, 0), whole, most, few])}, LossOptions())
    assert severities(losses) == {
        "events.day=2025-03-02": "ERROR", "events.file=events/2.csv": "ERROR",
        "events.day=2025-03-03": "WARNING", "events.file=events/3.csv": "WARNING",
    }  # fmt: skip
    assert "; all 50 rows of events/2.csv were lost. To keep" in blocking_line(losses, "")


def test_a_category_of_which_nothing_is_left_stops_the_run_with_those_below_it() -> None:
    categories = {"Home/Mugs": 12, "Home/Vases": 6, "Books": 20, "Toys": 9}
    rows = [
        {"item_id": f"{name}{n}1", "title": "check" if name != "Books" else "A BOOK", "category": name}
        for name, count in categories.items()
        for n in range(count)
    ]
    lost = pl.DataFrame(rows).select(
        pl.col("category"), brand=pl.lit(None, pl.String), file=pl.lit("items.csv"), line=pl.int_range(pl.len()),
        column=pl.lit("title"), value=pl.col("title"),
        reason=pl.when(pl.col("title") == "check").then(pl.lit("stock note in title")),
    )  # fmt: skip
    losses = weigh({"items": lost}, LossOptions(stop_share=0.9))
    assert severities(losses) == {"items.category=Home": "ERROR", "items": "WARNING"}
    home = part_of(losses, "items.category=Home")
    assert (home["rows"], home["reasons"][0]["rows"]) == (18, 18)


def broken(line: int, row: str, column: str = "quantity") -> dict[str, Any]:
    """A row of the events that the reader quarantined."""
    place = {"table": "events", "file": "events.csv", "line": line, "key": None}
    return {**place, "column": column, "value": "two", "reason": "not a number", "row": row}


def test_rows_that_the_reader_could_not_read_count_by_what_their_text_says() -> None:
    rows = [
        broken(9, "2024-04-30 10:00:00,purchase,10001,two"),
        broken(10, '"2024-04-29T10:00:00Z"; "Click" ;10001;two'),
        broken(11, "{'timestamp': '2024-04-28', 'event': 'cart', 'item_id': 'a click'}"),
        broken(12, "2024-04-31 10:00:00,return,10001,1", column="timestamp"),
        broken(13, "a return of clicks"),
    ]
    found = fates_of({"events": rows}, events=[EVENT])["events"].filter(pl.col("reason").is_not_null())
    assert found.select("event", "day", "line").rows() == [
        ("purchase", "2024-04-30", 9), ("click", "2024-04-29", 10), ("cart", "2024-04-28", 11),
        ("return", None, 12), (None, None, 13),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "called", "kind"),
    [
        ("1,Order Completed,7", {}, "purchase"), ("1,order_completed,7", {}, "purchase"), ("1,VIEW_ITEM,7", {}, "click"),
        ("1,vente,7", {}, "purchase"), ("1,troc,7", {}, None), ("1,Troc,7", {"troc": "purchase"}, "purchase"), ("1,7", {"": "purchase"}, "purchase"),
        ("1,click,7", {"": "purchase"}, "click"), ("1,a view,7", {}, None),
    ],
)  # fmt: skip
def test_an_event_that_could_not_be_read_is_of_the_kind_that_its_shop_means(
    row: str, called: dict[str, str], kind: str | None
) -> None:
    found = fates_of({"events": [broken(9, row)]}, called, events=[EVENT])["events"]
    assert found["event"].to_list() == ["purchase", kind]


def test_a_row_that_another_row_of_its_item_stands_for_is_not_lost() -> None:
    items = [
        {"item_id": "1", "title": "RED VASE"},
        {"item_id": "1", "title": "  "},
        {"item_id": "2", "title": " "},
    ]
    found = fates_of(items=items, events=[{**EVENT, "item_id": "1"}])["items"]
    assert found["reason"].to_list() == [None, None, "nothing but white space"]


def test_an_event_with_a_wrong_time_is_of_no_day_and_merged_ones_are_not_lost() -> None:
    given = [EVENT, EVENT, {**EVENT, "timestamp": 5}, {**EVENT, "timestamp": 2**62}]
    found = fates_of(events=given)["events"]
    assert found["day"].to_list() == ["2024-05-01", "2024-05-01", None, None]
    assert found["reason"].is_not_null().to_list() == [False, False, True, True]


@pytest.mark.parametrize(
    ("table", "column", "reason", "way"),
    [
        ("events", "price", "price outlier: far from what is usual", 'set cleaner.price_outliers="note"'),
        ("users", "gender", "gender: missing", "take users.gender out of cleaner.missing"),
        ("events", "session_id", "bot session", "raise cleaner.bot_clicks"),
        (
            "events",
            "position",
            "integer beyond 64 bits",
            "mend position in the feed, or leave the column out",
        ),
        ("items", "price", "not a number", "say by reading.numbers how items.price is written"),
        ("events", "event", "missing required value", "mend event in the feed"),
        ("events", "", "wrong number of cells", "write as many cells into each line"),
    ],
)
def test_each_reason_has_what_would_keep_its_rows(table: str, column: str, reason: str, way: str) -> None:
    assert keeping(table, column, reason).startswith(way)


def test_every_reason_of_the_cleaners_steps_names_a_way_and_every_setting_named_there_is_one() -> None:
    sources = [
        pathlib.Path(module.module_finder.path, f"{module.name}.py").read_text(encoding="utf-8")  # type: ignore[union-attr]
        for module in pkgutil.iter_modules(steps.__path__)
    ]
    reasons = [
        found for text in sources for found in re.findall(r'take_out\(\s*"\w+", f?"([^"]+)", "?(\w+)', text)
    ]
    assert len(reasons) > 15
    ways = [keeping("events", column, re.sub(r"{\w+}", "x", reason)) for reason, column in reasons]
    assert "mend these rows in the feed" not in ways
    for section, options in (("cleaner", CleanerOptions), ("reading", ReadingOptions)):
        named = re.findall(rf"{section}\.(\w+)", " ".join(keeping_module._KEEPING.values()))
        assert named
        assert set(named) <= set(options.model_fields)
