"""The simulated shop: reproducible, clean, plausible, and with something in it to learn."""

from __future__ import annotations

import datetime
import pathlib

import numpy as np
import polars as pl
import pytest

from aisle.datasets.simulator import Shop, SimulatorOptions, simulate, write
from aisle.datasets.simulator.languages.english_leaves import LEAVES, plural
from aisle.datasets.simulator.vocabulary import Noun
from aisle.schema.errors import InputError
from aisle.schema.events import names
from aisle.schema.tables import EVENTS, ITEMS, JUDGEMENTS, USERS


@pytest.fixture(scope="module")
def shop() -> Shop:
    return simulate(SimulatorOptions())


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.csv"))}


@pytest.mark.parametrize("dirt", [0.0, 0.05])
def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(
    tmp_path: pathlib.Path, dirt: float
) -> None:
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        write(simulate(SimulatorOptions(users=60, items=80, days=5, seed=seed, dirt=dirt)), tmp_path / folder)
    a, b, c = (contents(tmp_path / folder) for folder in "abc")
    assert a == b
    assert a.keys() == c.keys()
    assert all(a[name] != c[name] for name in a if name != "ground_truth/faults.csv" or dirt)


def test_tables_have_the_canonical_columns_in_order(shop: Shop) -> None:
    for table in (ITEMS, USERS, EVENTS, JUDGEMENTS):
        frame: pl.DataFrame = getattr(shop, table.name)
        named = [column.name for column in table.columns if not column.bookkeeping]
        assert frame.columns == [name for name in named if name != "domain"]  # It is one shop.
        for column in table.columns:
            if column.required:
                assert frame[column.name].null_count() == 0


def test_a_clean_shop_is_clean(shop: Shop) -> None:
    items, users, events = shop.items, shop.users, shop.events
    assert items["item_id"].n_unique() == len(items) == 400
    assert items["title"].n_unique() == len(items)
    assert users["user_id"].n_unique() == len(users) == 500
    assert items["price"].min() > 0  # type: ignore[operator]
    assert events["timestamp"].is_sorted()
    assert set(events["event"]) <= set(names())
    assert set(events["item_id"]) <= set(items["item_id"])
    assert set(events["user_id"].drop_nulls()) <= set(users["user_id"])
    assert events.is_duplicated().sum() == 0
    sold = events.filter(pl.col("event").is_in(["cart", "purchase", "return"]))
    assert sold.select(pl.col("quantity", "price").is_null().any()).row(0) == (False, False)
    assert set(events.filter(pl.col("event") == "review")["rating"]) <= {1, 2, 3, 4, 5}


def test_every_event_lies_in_the_simulated_days_and_after_its_item_and_user_exist(shop: Shop) -> None:
    joined = shop.events.join(shop.items, on="item_id").join(shop.users, on="user_id", how="left")
    assert (joined["timestamp"] >= joined["available_at"]).all()
    assert joined.filter(pl.col("timestamp") < pl.col("joined_at")).is_empty()
    days = shop.events["timestamp"].dt.date()
    assert days.min() == shop.options.start
    assert days.max() == datetime.date(2025, 12, 31)
    assert (shop.items["available_at"].dt.date() >= shop.options.start).sum() > 50
    assert (shop.users["joined_at"].dt.date() >= shop.options.start).sum() > 80


def test_the_defaults_make_a_shop_of_demo_size(shop: Shop) -> None:
    assert 50_000 < len(shop.events) < 75_000
    counts = dict(shop.events["event"].value_counts().iter_rows())
    assert counts["impression"] > counts["click"] > counts["cart"] > counts["purchase"] > 1_500
    assert set(counts) == set(names())
    assert 0.08 < shop.events["user_id"].null_count() / len(shop.events) < 0.16


@pytest.mark.parametrize(("users", "days"), [(500, 60), (200, 20)])
def test_a_wanted_number_of_events_is_met_within_a_quarter(users: int, days: int) -> None:
    made = len(simulate(SimulatorOptions(users=users, days=days, events=20_000)).events)
    assert made == pytest.approx(20_000, rel=0.25)


def test_the_smallest_shop_has_a_visitor() -> None:
    tiny = simulate(SimulatorOptions(users=10, items=50, days=1))
    assert len(tiny.events) > 0


def test_position_bias_shows_where_items_are_equally_relevant(shop: Shop) -> None:
    # Home pages answer no query and order by popularity and noise: position alone is left to matter much.
    home = shop.events.filter(pl.col("query").is_null() & pl.col("position").is_not_null())
    rate = (
        home.group_by("position")
        .agg((pl.col("event") == "click").sum() / (pl.col("event") == "impression").sum())
        .sort("position")["event"]
        .to_numpy()
    )
    assert len(rate) == 8
    # Looked at with probability position ** -0.8, so 0.19 at the bottom; popularity is not taste.
    assert rate[7] / rate[0] == pytest.approx(8**-0.8, abs=0.12)
    assert np.corrcoef(np.arange(8), rate)[0, 1] < -0.7


def test_own_history_and_neighbours_find_purchases_that_popularity_does_not(shop: Shop) -> None:
    """Item-to-item cosine on the first 48 days against popularity, Recall@20 of the last 12."""
    strength = {"click": 1.0, "cart": 2.0, "purchase": 4.0}
    acts = shop.events.filter(pl.col("user_id").is_not_null() & pl.col("event").is_in(list(strength)))
    user = acts["user_id"].str.slice(1).cast(pl.Int64).to_numpy()
    item = acts["item_id"].str.slice(1).cast(pl.Int64).to_numpy()
    weight = acts["event"].replace_strict(strength, return_dtype=pl.Float64).to_numpy()
    past = (acts["timestamp"].dt.date() < shop.options.start + datetime.timedelta(days=48)).to_numpy()
    bought = (acts["event"] == "purchase").to_numpy()
    train = np.zeros((500, 400))
    np.add.at(train, (user[past], item[past]), weight[past])
    test = np.zeros((500, 400), dtype=bool)
    test[user[~past & bought], item[~past & bought]] = True
    new = test & (train == 0)

    unit = train / (np.linalg.norm(train, axis=0) + 1e-9)
    popular = np.tile(train.sum(axis=0), (500, 1))

    def recall(scores: np.ndarray, wanted: np.ndarray) -> float:
        some = wanted.any(axis=1) & (train > 0).any(axis=1)
        top = np.argsort(-scores[some], axis=1)[:, :20]
        hits = np.take_along_axis(wanted[some], top, axis=1).sum(axis=1)
        return float((hits / np.minimum(20, wanted[some].sum(axis=1))).mean())

    neighbours = train @ (unit.T @ unit)
    assert recall(neighbours, test) > 2 * recall(popular, test)
    unseen = np.where(train > 0, -np.inf, 0)
    assert recall(neighbours + unseen, new) > 2 * recall(popular + unseen, new)
    assert (test & (train > 0)).sum() > 0.3 * test.sum()  # buying again is worth remembering


def test_weekends_and_december_are_busier() -> None:
    year = simulate(SimulatorOptions(users=100, items=60, days=364))
    first = year.events.group_by("session_id").agg(pl.col("timestamp").first())["timestamp"]
    weekday = np.bincount(first.dt.weekday().to_numpy(), minlength=8)[1:]
    assert weekday[5:].mean() > 1.1 * weekday[:5].mean()
    # Users join over the year, so December is held against the months around it.
    month = np.bincount(first.dt.month().to_numpy(), minlength=13)
    assert month[12] > 1.2 * month[10]


def test_judgements_grade_the_asked_for_above_the_rest(shop: Shop) -> None:
    judged = shop.judgements.join(shop.items, on="item_id")
    assert 50 <= shop.judgements["query"].n_unique() <= 60
    assert set(shop.judgements["grade"]) == {0, 1, 2, 3}
    assert shop.judgements.select("query", "item_id").is_duplicated().sum() == 0
    leaf = {noun.name: kind.path for kind in LEAVES for noun in kind.nouns}
    plain = judged.filter(pl.col("query").is_in(list(leaf)))
    assert plain["query"].n_unique() > 10
    for query, title, category, grade in plain.select("query", "title", "category", "grade").iter_rows():
        if grade == 3:
            assert f" {query}," in title
        assert (grade > 0) == (category == leaf[query])


def test_queries_are_worded_in_several_ways(shop: Shop) -> None:
    queries = set(shop.events["query"].drop_nulls())
    names = {noun.name for kind in LEAVES for noun in kind.nouns}
    assert queries & names
    assert queries & {noun.synonym for kind in LEAVES for noun in kind.nouns}
    assert queries & {plural(noun, noun.name) for kind in LEAVES for noun in kind.nouns if noun.countable}
    assert any(query.startswith("vintage ") for query in queries)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mug", "mugs"),
        ("chef knife", "chef knives"),
        ("scarf", "scarves"),
        ("leash", "leashes"),
        ("box", "boxes"),
    ],
)
def test_plurals(name: str, expected: str) -> None:
    assert plural(Noun(name, name), name) == expected
    assert plural(Noun(name, name, countable=False), name) == name


@pytest.mark.parametrize(
    ("option", "value"),
    [("users", 9), ("items", 49), ("days", 0), ("dirt", 1.5), ("dirt", -0.1), ("seed", -1), ("events", 5)],
)
def test_an_option_out_of_range_is_named(option: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{option}={value} is wrong: Input should be"):
        SimulatorOptions.read({option: value})
