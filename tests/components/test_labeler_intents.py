"""Intents of queries and tags of items, against the truth of a simulated shop and by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.labeler.interactions import choose_splits, make_interactions
from aisle.components.labeler.meaning.categories import category_levels
from aisle.components.labeler.meaning.intents import query_intents, query_votes
from aisle.components.labeler.meaning.tags import item_tags
from aisle.components.labeler.options import LabelerOptions
from aisle.datasets.simulator import SimulatorOptions, simulate
from aisle.datasets.simulator.catalogue import make_catalogue
from aisle.datasets.simulator.languages.english import STYLES, VOCABULARY
from aisle.datasets.simulator.people import make_people
from aisle.datasets.simulator.relevance import make_queries
from aisle.datasets.simulator.visits import make_pages

OPTIONS = LabelerOptions()
SHOP = SimulatorOptions(users=800, items=800, days=60, seed=4, events=120_000)


def took(*rows: tuple[str, str], split: str = "train") -> pl.DataFrame:
    table = pl.DataFrame(rows, schema={"query": pl.String, "item_id": pl.String}, orient="row")
    return query_votes(table.with_columns(split=pl.lit(split)))


ITEMS = pl.DataFrame(
    {
        "item_id": ["mug", "pot", "lamp", "scarf", "odd"],
        "category": ["Home/Kitchen/Mugs", "Home / Kitchen/Pots", "Home/Light", "Fashion", None],
    }
)


def wished_leaves() -> pl.DataFrame:
    """The category that each query of the simulated shop was typed for (most often)."""
    seeds = np.random.SeedSequence(SHOP.seed).spawn(7)
    catalogue_rng, people_rng, pages_rng, queries_rng, *_ = (np.random.default_rng(seed) for seed in seeds)
    catalogue = make_catalogue(SHOP, catalogue_rng)
    pages = make_pages(SHOP, catalogue, make_people(SHOP, people_rng), pages_rng)
    queries = make_queries(VOCABULARY, pages, queries_rng)
    searched = queries.of_page >= 0
    paths = np.array([leaf.path for leaf in VOCABULARY.leaves])
    wished = pl.DataFrame(
        {"query": np.array(queries.texts)[queries.of_page[searched]], "leaf": paths[pages.leaf[searched]]}
    )
    counted = wished.group_by("query", "leaf").len().sort("len", "leaf")
    return counted.group_by("query", maintain_order=True).agg(pl.col("leaf").last())


def test_intents_are_what_the_simulated_people_wished_for() -> None:
    shop = simulate(SHOP)
    events = shop.events.with_columns(pl.col("timestamp").dt.epoch("us"))
    interactions = make_interactions(events, choose_splits(events, OPTIONS))
    found = query_intents(query_votes(interactions), shop.items, OPTIONS)
    checked = found.table.join(wished_leaves(), on="query", how="left")
    right = checked.select((pl.col("leaf") + "/").str.starts_with(pl.col("category") + "/")).to_series()
    assert right.null_count() == 0
    assert found.table.height > 0.8 * found.queries > 500
    assert right.mean() > 0.99
    assert (checked["leaf"] == checked["category"]).mean() > 0.75  # type: ignore[operator]
    # What it says of its own certainty is no exaggeration.
    assert right.mean() >= checked["confidence"].mean()  # type: ignore[operator]


def test_an_intent_is_as_deep_as_the_votes_agree() -> None:
    votes = (
        [("cup", "mug")] * 8 + [("home", "mug")] * 5 + [("home", "pot")] * 5 + [("x", "mug"), ("x", "scarf")]
    )
    options = OPTIONS.model_copy(update={"intent_prior": 1e-9})
    found = query_intents(took(*votes, ("cup", "odd")), ITEMS, options)
    assert found.queries == 3
    assert found.table.select("query", "category", "level", "support").rows() == [
        ("home", "Home/Kitchen", 2, 10),
        ("cup", "Home/Kitchen/Mugs", 3, 8),
    ]
    assert found.table["confidence"].to_list() == pytest.approx([1, 1])


def test_confidence_is_smoothed_towards_the_words_of_other_queries() -> None:
    votes = [("red cup", "mug")] * 6 + [("red lamp", "lamp")] * 2 + [("blue cup", "mug")]
    options = OPTIONS.model_copy(update={"intent_prior": 2.0, "intent_confidence": 0.0})
    found = query_intents(took(*votes), ITEMS, options).table
    shop = 7 / 9
    cup = (6 + 2 * shop) / (6 + 2)  # In other queries: six votes, all for mugs.
    blue = shop  # In no other query: what the shop as a whole says.
    blue_cup = (1 + 2 * (cup + blue) / 2) / (1 + 2)
    assert found.filter(pl.col("query") == "blue cup")["confidence"].to_list() == pytest.approx([blue_cup])


def test_a_query_that_divides_its_votes_has_no_intent() -> None:
    found = query_intents(took(*[("gift", "mug"), ("gift", "scarf")] * 20), ITEMS, OPTIONS)
    assert found.queries == 1
    assert found.table.is_empty()


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["red mug", "mug", "Mug", "☕", "x y"]),
            st.sampled_from(ITEMS["item_id"].to_list()),
        )
    ),
    st.floats(0.01, 10),
    st.floats(0, 1),
)
def test_a_query_has_at_most_one_intent_and_it_is_as_sure_as_asked(
    votes: list[tuple[str, str]], prior: float, confidence: float
) -> None:
    options = OPTIONS.model_copy(update={"intent_prior": prior, "intent_confidence": confidence})
    found = query_intents(took(*votes), ITEMS, options)
    counted = {query for query, item in votes if item != "odd"}
    assert found.queries == len(counted)
    assert found.table["query"].is_unique().all()
    assert set(found.table["query"]) <= counted
    for row in found.table.iter_rows(named=True):
        assert confidence <= row["confidence"] <= 1 + 1e-9
        assert row["support"] == sum(query == row["query"] and item != "odd" for query, item in votes)
        assert row["level"] == row["category"].count("/") + 1


def test_only_training_votes_and_without_categories_nobody_does() -> None:
    assert query_intents(took(("cup", "mug"), split="eval"), ITEMS, OPTIONS).queries == 0
    assert query_intents(took(("cup", "mug")), ITEMS.drop("category"), OPTIONS).table.is_empty()
    # A query without a word still has its clicks.
    assert query_intents(took(*[("☕", "mug")] * 9), ITEMS, OPTIONS).table["category"].to_list() == [
        "Home/Kitchen/Mugs"
    ]


def test_a_path_is_in_all_its_levels() -> None:
    levels = category_levels(ITEMS).filter(pl.col("item_id") == "pot").sort("level")
    assert levels.select("category", "level").rows() == [
        ("Home", 1),
        ("Home/Kitchen", 2),
        ("Home/Kitchen/Pots", 3),
    ]
    assert "odd" not in category_levels(ITEMS)["item_id"]


def test_the_tags_of_a_simulated_item_name_its_product_type() -> None:
    rng = np.random.default_rng(np.random.SeedSequence(SHOP.seed).spawn(7)[0])
    catalogue = make_catalogue(SHOP, rng)
    tags = item_tags(catalogue.table, OPTIONS)
    assert tags.group_by("item_id").len()["len"].max() == 5
    said = {item: part["tag"].to_list() for (item,), part in tags.group_by("item_id")}
    nouns = [VOCABULARY.nouns[number].name for number in catalogue.noun]
    named = [
        set(noun.split()) <= set(" ".join(said.get(item, [])).split())
        for item, noun in zip(catalogue.table["item_id"], nouns, strict=True)
    ]
    assert np.mean(named) > 0.95
    # One item in ten has the style, so hardly any category is told by it.
    first = [said[item][0] for item in said]
    assert not set(first) & set(STYLES)


TITLES = [
    ("m1", "Red Enamel Mug, large", "Home/Mugs"), ("m2", "Blue enamel mug, large", "Home/Mugs"),
    ("m3", "Tin mug 300 ml", "Home/Mugs"), ("s1", "Red silk scarf, large", "Fashion"),
    ("s2", "Blue wool scarf, large", "Fashion"), ("s3", "Silk scarf", "Fashion"),
]  # fmt: skip


def titles() -> pl.DataFrame:
    return pl.DataFrame(TITLES, schema=["item_id", "title", "category"], orient="row")


def test_tags_tell_a_category_from_the_others() -> None:
    tags = item_tags(titles(), OPTIONS.model_copy(update={"tag_items": 2}))
    by_item = {item: part["tag"].to_list() for (item,), part in tags.group_by("item_id", maintain_order=True)}
    # "red", "blue" and "large" are in both; "enamel" never comes without "mug"; "ml" is in one title.
    assert by_item == {
        "m1": ["enamel mug", "mug"], "m2": ["enamel mug", "mug"], "m3": ["mug"],
        "s1": ["silk scarf", "scarf"], "s2": ["scarf"], "s3": ["silk scarf", "scarf"],
    }  # fmt: skip
    (score,) = tags.filter((pl.col("item_id") == "m3") & (pl.col("tag") == "mug"))["score"]
    assert score == pytest.approx(1 * np.log(6 / 3))


def test_a_shop_without_categories_has_tags_too() -> None:
    plain = pl.DataFrame(
        {"item_id": [f"i{n}" for n in range(60)], "title": [f"SET {('LAMP', 'VASE')[n == 7 or n < 3]} {n}" for n in range(60)]}
    )  # fmt: skip
    tags = item_tags(plain, OPTIONS)
    assert set(tags["tag"]) == {"vase"}  # "set" and "lamp" are in most titles.
    assert tags["item_id"].to_list() == ["i0", "i1", "i2", "i7"]
    assert item_tags(plain.head(0), OPTIONS).is_empty()
