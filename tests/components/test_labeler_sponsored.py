"""What somebody paid for to be shown trains nothing organic; what was bought by it stays history."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from aisle.components.labeler.label import label
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.searches.attribution import attribute
from aisle.components.labeler.searches.sponsored import marked
from aisle.model.ranking.questions import Window, later
from aisle.model.retrieval.features import ITEM_NUMBERS
from aisle.model.retrieval.state import make_state
from aisle.schema.features import HISTORY, TARGETS
from aisle.schema.splits import TRAIN
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

SECOND = 1_000_000
OPTIONS = LabelerOptions(click_window_minutes=30, conversion_window_days=2, min_queries=1)
SCHEMA = {
    **{
        "timestamp": pl.Int64,
        "event": pl.String,
        "item_id": pl.String,
        "user_id": pl.String,
        "session_id": pl.String,
    },
    **{"query": pl.String, "position": pl.Int64, "sponsored": pl.Int64},
}
AD, OWN, UNSAID = 1, 0, None


def row(
    seconds: float, event: str, item: str = "a", sponsored: int | None = UNSAID, user: str = "u", **more: Any
) -> dict[str, Any]:
    return {
        **{"timestamp": int(seconds * SECOND), "event": event, "item_id": item, "user_id": user},
        **{"session_id": f"s-{user}", "query": "red", "position": 1, "sponsored": sponsored, **more},
    }


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


@pytest.mark.parametrize(
    ("rows", "led"),
    [
        ([row(0, "impression", sponsored=AD), row(1, "click")], [True, True]),
        ([row(0, "impression", sponsored=AD), row(1, "impression", sponsored=OWN), row(2, "click")], [True, False, False]),
        ([row(0, "impression", sponsored=OWN), row(1, "impression", sponsored=AD), row(2, "click")], [False, True, True]),
        ([row(0, "impression", sponsored=AD), row(1, "click", query=None), row(2, "click", query="blue")], [True, True, False]),
        ([row(0, "impression", sponsored=AD), row(1, "click"), row(2, "cart"), row(90_000, "purchase")], [True] * 4),
        ([row(0, "impression", sponsored=AD), row(1, "cart")], [True, True]),
        ([row(0, "impression", sponsored=AD), row(1_801, "click")], [True, False]),  # After the half hour.
        ([row(0, "impression", sponsored=AD), row(1, "click"), row(180_000, "purchase")], [True, True, False]),
        ([row(0, "impression", sponsored=AD), row(1, "click", "b"), row(2, "click", user="v")], [True, False, False]),
        ([row(0, "click", sponsored=AD), row(1, "purchase")], [True, True]),  # A shop that logs no impressions.
        ([row(0, "impression", sponsored=OWN), row(0, "impression", sponsored=AD), row(1, "click")], [False, True, True]),
    ],
)  # fmt: skip
def test_what_an_ad_led_to_is_told_by_the_last_touch(rows: list[dict[str, Any]], led: list[bool]) -> None:
    assert marked(table(*rows), OPTIONS)["sponsored"].to_list() == led


def test_a_sponsored_result_is_no_organic_one_and_its_click_no_organic_click() -> None:
    rows = [
        row(0, "impression", "a", AD),
        row(0, "impression", "b"),
        row(1, "click", "a"),
        row(2, "click", "b", AD),
    ]
    found = attribute(marked(table(*rows), OPTIONS), OPTIONS)
    assert found.shown["item_id"].to_list() == ["b"]
    assert found.sponsored == 1
    answered = found.touches.join(found.shown, left_on="shown", right_on="row")
    assert answered.is_empty()  # Of b the shop itself says that the click was of an ad.


def _shop(sponsored: int | None) -> dict[str, Any]:
    """60 days: daily u buys i0 to i4 in turn, and after an ad, where one was shown, the item ad."""
    bought = [
        row(day * 86_400, "purchase", f"i{day % 5}", query=None, session_id=f"s{day}") for day in range(60)
    ]
    ads = [
        row(
            day * 86_400 + second,
            kind,
            "ad",
            sponsored if kind == "impression" else UNSAID,
            session_id=f"s{day}",
        )
        for day in range(60)
        for second, kind in enumerate(("impression", "click", "purchase"), 10)
    ]
    items = {"item_id": [*(f"i{nth}" for nth in range(5)), "ad"], "title": [f"Mug {nth}" for nth in range(6)]}
    return {"items": pl.DataFrame(items).to_arrow(), "events": table(*bought, *ads).to_arrow()}


@pytest.mark.parametrize("sponsored", [AD, OWN])
def test_no_target_popularity_or_result_comes_of_an_ad_and_history_keeps_what_was_bought(
    sponsored: int,
) -> None:
    labelled = label(_shop(sponsored), OPTIONS)
    train = labelled.examples["train"].to_pylist()
    targets = {item for example in train for item in example[TARGETS.name]}
    assert ("ad" in targets) == (sponsored == OWN)
    assert "ad" in {item for example in train for item in example[HISTORY.name]}
    assert ("ad" in labelled.tables["impressions"]["item_id"].to_pylist()) == (sponsored == OWN)
    assert labelled.outcomes.sponsored == (60 if sponsored == AD else 0)
    interactions = pl.DataFrame(pl.from_arrow(labelled.tables["interactions"]))
    kinds = interactions.filter(pl.col("item_id") == "ad")["event"].unique().to_list()
    assert kinds == ["purchase"]
    users = pl.DataFrame(
        {"user_id": ["u"], "country": [None]}, schema={"user_id": pl.String, "country": pl.String}
    )
    state = make_state(interactions, users, [*(f"i{nth}" for nth in range(5)), "ad"], 61 * DAY)
    popular, buyers = (
        state.item_numbers[:, ITEM_NUMBERS.index(name)] for name in ("popularity", "item_users")
    )
    assert (popular[5] > 0) == (buyers[5] > 0) == (sponsored == OWN)
    assert popular[0] > 0
    assert 5 in state.taken  # The user has it, whoever showed it.


@pytest.mark.parametrize("sponsored", [AD, OWN])
def test_what_an_ad_led_to_is_no_hit_at_a_moment_within_a_visit_and_may_come_before_it(
    sponsored: int,
) -> None:
    events = pl.DataFrame(pl.from_arrow(label(_shop(sponsored), OPTIONS).tables["events"]))
    window = Window(0, 60 * DAY, TRAIN, True)
    rows = {item: row for row, item in enumerate([*(f"i{nth}" for nth in range(5)), "ad"])}
    found = [
        later(events, window, "purchase", 1, 0.5, rows, np.random.default_rng(seed)) for seed in range(20)
    ]
    hits = {item for (asked,) in found for item, told in asked.outcomes.items() if told == (-1.0, 1.0)}
    assert (rows["ad"] in hits) == (sponsored == OWN)
    assert len(hits) > 1
    assert "ad" in {item for (asked,) in found for item, _, _ in asked.moment.events}


def test_a_shop_without_ads_is_labelled_as_ever() -> None:
    shop = _shop(OWN)
    bare = {**shop, "events": shop["events"].drop(["sponsored"])}
    ours, theirs = label(shop, OPTIONS), label(bare, OPTIONS)
    assert all(ours.tables[name].equals(theirs.tables[name]) for name in ours.tables)
    assert ours.examples["train"].equals(theirs.examples["train"])
