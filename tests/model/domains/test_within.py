"""Recommendations within a domain, of a shop that has two: from the graph, beside the same worked out in numpy."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from aisle.model.options import BundleOptions
from aisle.model.retrieval.domains.learning import Learnt
from aisle.model.retrieval.domains.mixture import Mixture
from aisle.model.retrieval.domains.shop import Domains
from aisle.model.retrieval.filters import Filters
from aisle.model.retrieval.item_table import item_table
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.state import learnt_domains, make_state
from aisle.model.served.bundle import Bundle
from aisle.model.text.bert import Tokenizer
from aisle.model.text.lexical.index import TextSearch
from aisle.schema.bert.weights import bert_folder
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY
from tests.model.small_shop import Head
from tests.model.test_retriever import ITEMS as IDS
from tests.model.test_retriever import Tower

KITCHEN = ("i2", "i3", "i4", "i5")
DOMAIN = ["Kitchen" if item in KITCHEN else None for item in IDS]
ITEMS = pl.DataFrame({"item_id": IDS, "title": IDS})
NAMED = ITEMS.with_columns(pl.Series("domain", DOMAIN))
NOW = 100 * DAY
MIXTURES = [Mixture(14.0, 0.3, np.array([0.3, 0.0])), Mixture(7.0, 1.0, np.array([3.0, 0.3]))]
"""Of the items that name no domain, and of the kitchen's."""
TAKEN = pl.DataFrame(
    [
        (user, item, day * DAY, f"{user}{day}", 1.0)
        for user, takings in {
            "ann": (("i0", 90), ("i4", 91), ("i2", 95)),
            "bob": (("i0", 80), ("i4", 95)),
            "cleo": (("i6", 70), ("i3", 99)),
            "dan": (("i6", 60), ("i3", 61), ("i2", 98), ("i2", 99)),
            "eve": (("i0", 97),),
        }.items()
        for item, day in takings
    ],
    schema=["user_id", "item_id", "timestamp", "session_id", "weight"],
    orient="row",
)
USERS = pl.DataFrame({"user_id": ["ann"], "country": ["Norway"]})
NOBODY = tf.zeros([1, 0], tf.string)


def domains() -> Domains:
    named = Domains.of_items(DOMAIN)
    return Domains(named.names, named.of, [Learnt(mixture, []) for mixture in MIXTURES])


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    tower = Tower()
    table = item_table(tower, NAMED)
    text = TextSearch(Tokenizer(bert_folder()), table.titles, table.descriptions, IDS)
    state = make_state(TAKEN, USERS, IDS, NOW, domains=domains())
    return Bundle(Retriever(tower, text, table.prices, state), Head(), table, BundleOptions())


def within(bundle: Bundle, asked: list[tuple[str, str]], seen: bool = False) -> list[list[str]]:
    """What is recommended to users within domains."""
    users, named = (tf.constant(list(column)) for column in zip(*asked, strict=True))
    nothing = tf.zeros([len(asked), 0], tf.string)
    answer = bundle.recommend_within(users, nothing, tf.constant(seen), named, tf.constant(9))
    return [[item.decode() for item in row if item] for row in answer["item_ids"].numpy()]


def by_hand(user: str, item: str, domain: int) -> float:
    """The score of an item, by loops over the table: see the docstrings of `mixture` and of the source."""
    of = dict(zip(IDS, domains().of.tolist(), strict=True))
    rows = [(u, i, (NOW - when) / DAY) for u, i, when, *_ in TAKEN.iter_rows() if of[i] == domain]
    mixture = MIXTURES[domain]
    sold = {i: sum(0.5 ** (age / mixture.half_life) for _, taken, age in rows if taken == i) for i in IDS}
    ever = {i: sum(taken == i for _, taken, _ in rows) for i in IDS}
    score = sold[item] / sum(sold.values()) + mixture.always * ever[item] / sum(ever.values())
    had = {u: set(TAKEN.filter(pl.col("user_id") == u)["item_id"]) for u in TAKEN["user_id"].unique()}

    def goes_with(one: str, other: str) -> float:
        both = sum(len(items) ** -0.5 for items in had.values() if one in items and other in items)
        return both / np.sqrt(sum(one in items for items in had.values())) if one != other else 0.0

    mine = TAKEN.filter(pl.col("user_id") == user).sort("timestamp")["item_id"].to_list()
    for source, weight in enumerate(mixture.of):
        near = {
            i: sum(0.7**n * goes_with(t, i) for n, t in enumerate(reversed(mine)) if of[t] == source)
            for i in IDS
            if of[i] == domain
        }
        score += weight * near[item] / (sum(near.values()) or 1.0)
    return float(score * len(rows) / len(TAKEN))


@pytest.mark.parametrize("user", ["ann", "dan", "eve", "nobody"])
def test_the_graphs_scores_are_those_worked_out_by_hand(bundle: Bundle, user: str) -> None:
    context = bundle.retriever.context(tf.constant([""]), tf.constant([user]), NOBODY)
    found = context.scores["domains"].numpy()[0]
    for row, item in enumerate(IDS):
        assert found[row] == pytest.approx(by_hand(user, item, int(domains().of[row])), rel=1e-4, abs=1e-7)


def test_only_what_is_in_the_domain_is_recommended_however_it_is_spelled(bundle: Bundle) -> None:
    found = within(
        bundle, [("ann", " kitchen"), ("eve", "KITCHEN"), ("", "Kitchen"), ("ann", "Garden"), ("ann", "")]
    )
    assert [set(row) for row in found[:3]] == [set(KITCHEN)] * 3
    assert found[3] == [] and len(found[4]) == 9


def test_who_is_new_to_the_domain_gets_what_goes_with_their_items_of_the_other(bundle: Bundle) -> None:
    ann, eve, nobody = within(bundle, [(user, "Kitchen") for user in ("ann", "eve", "nobody")], seen=True)
    assert set(ann) == {"i3", "i5"}
    # Eve took i0 alone. Two who took it took i4, too; what sells best is i2.
    best = max(KITCHEN, key=lambda item: by_hand("nobody", item, 1))
    assert best == nobody[0] == "i2" and eve[0] == "i4"


def test_a_shop_without_domains_has_no_such_signature_and_pays_for_none() -> None:
    tower = Tower()
    assert not Filters(item_table(tower, ITEMS)).has_domains
    kept = make_state(TAKEN, USERS, IDS, NOW).tables["domains"]
    assert kept["items"].size == kept["weights"].size == 0 and not kept["sold"].any()
    nothing = learnt_domains(ITEMS, TAKEN, IDS, NOW)
    assert not nothing.several and nothing.figures() == []


def test_spellings_are_one_domain_and_the_smallest_beyond_the_most_are_one() -> None:
    named = Domains.of_items(["Food", " food", None, "Kitchen", ""])
    assert (named.names, named.of.tolist()) == (["", "food", "kitchen"], [1, 1, 0, 2, 0])
    many = Domains.of_items([f"d{number}" for number in range(20) for _ in range(20 - number)])
    assert many.names == ["", *(f"d{number}" for number in range(7))]
    assert Domains.of_items([None, None]).several is False


def test_nothing_that_happens_later_is_learnt_from() -> None:
    rng = np.random.default_rng(5)
    rows = [
        (f"u{u}", IDS[rng.integers(len(IDS))], int(d) * DAY)
        for u in range(60)
        for d in rng.integers(0, 90, 4)
    ]
    taken = pl.DataFrame(rows, ["user_id", "item_id", "timestamp"], orient="row").with_columns(
        session_id=pl.lit("s"), weight=1.0
    )
    later = taken.with_columns(pl.col("timestamp") + 90 * DAY)
    early = learnt_domains(NAMED, taken, IDS, 90 * DAY)
    assert learnt_domains(NAMED, pl.concat([taken, later]), IDS, 90 * DAY).figures() == early.figures()
    assert [(one["source"], one["target"]) for one in early.figures()] == [("kitchen", ""), ("", "kitchen")]
