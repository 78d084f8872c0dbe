"""What the graph says of candidates, beside the same worked out in numpy from the state."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from aisle.model import spectrum_by_text as by_text
from aisle.model.retrieval.context import Context
from aisle.model.retrieval.counts import COUNTS
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.retrieval.recent.events import RecentEvents
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.sources import offers
from aisle.model.retrieval.state import USER_NUMBERS, State, make_state
from aisle.model.text.bert import Tokenizer
from aisle.model.text.lexical.index import TextSearch
from aisle.model.two_tower.export import nearest_texts
from aisle.schema.bert.weights import bert_folder
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

ITEMS = [f"i{number}" for number in range(9)]
NAMES = [feature.name for feature in CANDIDATE_FEATURES]
NOW = 100 * DAY


class Tower(tf.Module):
    """Two-tower of two dimensions, in which every query points at the first item."""

    def __init__(self) -> None:
        super().__init__()
        self.item_ids = tf.constant(ITEMS)
        angle = np.linspace(0.0, 1.0, len(ITEMS))
        self.item_embeddings = tf.constant(np.stack([np.cos(angle), np.sin(angle)], 1), tf.float32)
        self.text_embeddings = self.item_embeddings
        self.text_neighbours = nearest_texts(self.text_embeddings)

    def embed_text(self, text: tf.Tensor) -> tf.Tensor:
        return tf.tile([[1.0, 0.0]], [tf.shape(text)[0], 1])

    def embed_query(self, user: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
        return tf.tile([[1.0, 0.0]], [tf.shape(user)[0], 1])


def taken_by_forty() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    rows = [
        (f"u{user}", item, int(day), f"s{user}-{day}")
        for user in range(40)
        for day in rng.integers(1, 99, 4)
        for item in rng.choice(ITEMS[:7], 3, replace=False)  # Two items never sell.
    ]
    columns = zip(*rows, strict=True)
    frame = pl.DataFrame(dict(zip(("user_id", "item_id", "day", "session_id"), columns, strict=True)))
    return frame.with_columns(pl.col("day").cast(pl.Int64).mul(DAY).alias("timestamp"), weight=pl.lit(1.0))


USERS = pl.DataFrame({"user_id": ["u0"], "country": ["Norway"]})
TAGGED = {"i0": ["mug", "red"], "i2": ["red"], "i3": ["mug", "blue", "red"], "i8": ["blue"], "gone": ["mug"]}
"""Of what the catalogue had, too."""
TAGS = pl.DataFrame({"item_id": TAGGED.keys(), "tag": TAGGED.values()}).explode("tag")


@pytest.fixture(scope="module")
def state() -> Iterator[State]:
    with pytest.MonkeyPatch.context() as patch:
        # Of so few items texts tell next to nothing.
        patch.setattr(by_text, "_LEAST", 0.0)
        yield make_state(taken_by_forty(), USERS, ITEMS, NOW, tags=TAGS, texts=Tower().text_embeddings)


@pytest.fixture(scope="module")
def retriever(state: State) -> Retriever:
    titles = [f"red mug number {number}" for number in range(len(ITEMS))]
    return Retriever(
        Tower(), TextSearch(Tokenizer(bert_folder()), titles, []), np.full(len(ITEMS), 3.0), state
    )


def ask(retriever: Retriever, user: str, history: list[str] | None = None, query: str = "") -> Context:
    given = tf.constant([history]) if history else tf.zeros([1, 0], tf.string)
    return retriever.context(tf.constant([query]), tf.constant([user]), given)


def taken(state: State, user: str) -> tuple[np.ndarray, np.ndarray]:
    """Item rows and COUNTS of a user."""
    row = state.users.index(user)
    part = slice(state.taken_splits[row], state.taken_splits[row + 1])
    return state.taken[part], state.counts[part]


def spread(neighbours: np.ndarray, weights: np.ndarray, rows: np.ndarray, worth: np.ndarray) -> np.ndarray:
    total = np.zeros(len(ITEMS))
    for row, value in zip(rows, worth, strict=True):
        np.add.at(total, neighbours[row], weights[row] * value)
    return total


def test_each_source_scores_what_the_user_took(retriever: Retriever, state: State) -> None:
    rows, counts = taken(state, "u5")
    scores = {name: values.numpy()[0] for name, values in ask(retriever, "u5").scores.items()}
    decayed, orders, latest = (
        counts[:, COUNTS.index(name)] for name in ("repeat_60", "repeat_orders", "latest_order")
    )

    def kept(source: str, prefix: str = "") -> tuple[np.ndarray, np.ndarray]:
        table = {name: state.tables[source][prefix + name] for name in ("places", "items", "weights")}
        return table["items"][table["places"]], table["weights"][table["places"]]

    ease = kept("ease")
    expected = {
        "ease": spread(*ease, rows, np.ones(len(rows))),
        "ease_recent": spread(*ease, rows, decayed),
        "ease_decayed": spread(*kept("ease", "decayed_"), rows, decayed),
        "ease_orders": spread(*ease, rows, orders),
        "transitions": spread(*kept("transitions"), rows, orders),
        "baskets": spread(*kept("baskets"), rows, decayed),
        "latest_basket": spread(*kept("baskets"), rows, latest),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(scores[name], values, atol=1e-5, err_msg=name)
    for place, name in enumerate(COUNTS):
        np.testing.assert_allclose(scores[name][rows], counts[:, place], rtol=1e-5, err_msg=name)
    assert scores["count"].sum() == pytest.approx(counts[:, 0].sum())


def tag_vectors() -> np.ndarray:
    """What each item is tagged with, by the logarithm of how rare it is, of unit length: [n, tags]."""
    held = [TAGGED.get(item, []) for item in ITEMS]
    names = ["mug", "red", "blue"]
    rarity = [np.log(len(ITEMS) / sum(name in some for some in held)) for name in names]
    vectors = np.array([[name in some for name in names] for some in held]) * rarity
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def test_tags_say_how_alike_an_item_is_to_what_the_user_took_lately(
    retriever: Retriever, state: State
) -> None:
    vectors = tag_vectors()
    for user in ("u5", "u6"):
        rows, counts = taken(state, user)
        profile = (vectors[rows] * counts[:, [COUNTS.index("repeat_60")]]).sum(0)
        expected = vectors @ profile / np.linalg.norm(profile)
        found = ask(retriever, user).scores["tags"].numpy()[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not ask(retriever, "nobody").scores["tags"].numpy().any()


def test_tags_are_a_number_of_recommendations_alone(retriever: Retriever) -> None:
    rows = tf.constant([list(range(len(ITEMS)))])
    places = [NAMES.index("tags"), NAMES.index("tags_share")]
    recommended = retriever.features(ask(retriever, "u5"), rows).numpy()[0][:, places]
    searched = retriever.features(ask(retriever, "u5", query="mug"), rows).numpy()[0][:, places]
    assert recommended[:, 1].max() == 1.0
    np.testing.assert_allclose(recommended[:, 1], recommended[:, 0] / recommended[:, 0].max(), rtol=1e-5)
    assert np.isnan(searched).all()


def test_a_shop_without_tags_has_nothing_in_common(state: State) -> None:
    without = make_state(taken_by_forty(), USERS, ITEMS, NOW).tables["tags"]
    assert not without["weights"].any()
    assert without["tags"].shape == (len(ITEMS), 1)
    assert state.tables["tags"]["tags"].shape == (len(ITEMS), 3)


def test_the_spectrum_foretells_by_a_ridge_regression_on_the_two_directions_that_tell_most(
    retriever: Retriever,
) -> None:
    took = taken_by_forty()
    counted = np.zeros((40, len(ITEMS)))
    for user, item, day in took.select("user_id", "item_id", "day").iter_rows():
        counted[int(user[1:]), ITEMS.index(item)] += 0.5 ** ((100 - day) / 60)
    counted = (counted + (counted > 0)) / 2
    values, directions = np.linalg.svd(counted)[1:]
    leading = counted @ directions[:2].T  # A quarter of a rank of nine.
    gram = leading.T @ leading + 3 * values[1] ** 2 * np.eye(2)
    expected = leading @ np.linalg.solve(gram, leading.T @ counted)
    for user in (5, 6):
        found = ask(retriever, f"u{user}").scores["spectrum"].numpy()[0]
        np.testing.assert_allclose(found, expected[user], atol=1e-3)
        assert not ask(retriever, f"u{user}", query="mug").scores["spectrum"].numpy().any()
    assert not found[7:].any(), "nobody took these"


def test_who_took_what_is_foretold_by_where_texts_say_that_items_stand_too_unsold_ones_among_them(
    retriever: Retriever, state: State
) -> None:
    vectors, told = (state.tables["spectrum"][name] for name in ("vectors", "told"))
    expected = by_text.spectrum_by_text(
        Tower().text_embeddings.numpy(),
        vectors,
        np.log1p([taken_by_forty().filter(item_id=item)["user_id"].n_unique() for item in ITEMS]),
    )
    np.testing.assert_allclose(told, expected, atol=1e-6)
    rows, counts = taken(state, "u5")
    user = (vectors[rows] * (1 + counts[:, [COUNTS.index("repeat_60")]]) / 2).sum(0)
    found = ask(retriever, "u5").scores["spectrum_by_text"].numpy()[0]
    np.testing.assert_allclose(found, told @ user, atol=1e-5)
    assert found[7:].all(), "nobody took these, and their texts tell"
    numbers = retriever.features(ask(retriever, "u5"), tf.constant([[8, 0]])).numpy()[0]
    np.testing.assert_allclose(numbers[:, NAMES.index("spectrum_by_text")], found[[8, 0]], rtol=1e-5)
    searched = retriever.features(ask(retriever, "u5", query="mug"), tf.constant([[8, 0]])).numpy()
    assert np.isnan(searched[0, :, NAMES.index("spectrum_by_text")]).all()


def test_a_shop_of_which_no_text_is_known_is_told_nothing_by_texts(retriever: Retriever) -> None:
    text = TextSearch(Tokenizer(bert_folder()), [f"mug {number}" for number in range(9)], [])
    state = make_state(taken_by_forty(), USERS, ITEMS, NOW)
    without = ask(Retriever(Tower(), text, np.full(len(ITEMS), 3.0), state, moves=True), "u5").scores
    assert without["spectrum_by_text"].numpy().tolist() == [[0.0] * len(ITEMS)]
    np.testing.assert_allclose(without["spectrum"], ask(retriever, "u5").scores["spectrum"], rtol=1e-4)


def test_users_of_one_batch_do_not_see_each_others_history(retriever: Retriever) -> None:
    users = ["u1", "nobody", "u2"]
    together = retriever.context(tf.constant([""] * 3), tf.constant(users), tf.zeros([3, 0], tf.string))
    for row, user in enumerate(users):
        for name, values in ask(retriever, user).scores.items():
            np.testing.assert_allclose(together.scores[name][row], values[0], atol=1e-5, err_msg=name)


def test_a_given_history_replaces_the_known_one_and_an_item_twice_is_spread_once(
    retriever: Retriever,
) -> None:
    once = ask(retriever, "u1", ["i2", "unheard of"])
    twice = ask(retriever, "u1", ["i2", "i2"])
    assert once.scores["count"].numpy()[0].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert twice.scores["count"].numpy()[0].tolist() == [0, 0, 2, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(once.scores["ease"], twice.scores["ease"], atol=1e-6)
    stranger = ask(retriever, "nobody", ["i2"])
    np.testing.assert_allclose(once.scores["ease"], stranger.scores["ease"], atol=1e-6)


def test_the_latest_item_of_a_given_history_is_the_nearest(retriever: Retriever) -> None:
    given = ask(retriever, "u1", ["i1", "i2", "i3"]).scores["repeat_orders"].numpy()[0]
    np.testing.assert_allclose(given[1:4], [0.49, 0.7, 1.0], rtol=1e-5)


def ask_after(retriever: Retriever, user: str, *events: tuple[str, str, float]) -> Context:
    """Asked by one user after events of item, kind and seconds ago, and by one who did nothing."""
    items, kinds, ages = zip(*events, strict=True)
    recent = RecentEvents(
        tf.constant([items, [""] * len(items)]),
        tf.constant([kinds, kinds]),
        tf.constant([ages, ages], tf.float32),
        tf.zeros([2], tf.float64),
    )
    users, nothing = tf.constant([user, user]), tf.zeros([2, 0], tf.string)
    return retriever.context(tf.constant(["", ""]), users, nothing, recent)


def test_a_candidate_has_the_age_of_what_was_just_done_with_it_by_kind(retriever: Retriever) -> None:
    day, visit = 86_400.0, [("i1", "click", 7_200.0), ("i2", "cart", 3_600.0), ("i3", "purchase", 60.0)]
    context = ask_after(retriever, "u5", *visit, ("i1", "cart", 2 * 86_400.0))
    features = retriever.features(context, tf.constant([[1, 2, 3, 4]] * 2)).numpy()
    found = features[:, :, [NAMES.index(f"just_{kind}") for kind in ("click", "cart", "purchase")]]
    nothing = np.nan
    expected = [
        [7_200 / day, 2.0, nothing],
        [nothing, 3_600 / day, nothing],
        [nothing, nothing, 60 / day],
        [nothing, nothing, nothing],
    ]
    np.testing.assert_allclose(found[0], np.log1p(expected), rtol=1e-4)
    assert np.isnan(found[1]).all()


def test_what_goes_with_recent_events_is_found_beside_all_else_and_by_nobody_else(
    retriever: Retriever,
) -> None:
    context = ask_after(retriever, "u5", ("i2", "click", 60.0))
    nothing = tf.zeros([2, len(ITEMS)], tf.bool)
    found = retriever.candidates(context, offers("recommend"), nothing).numpy()
    exclude = tf.cast([[False] * len(ITEMS)] * 2, tf.bool) | retriever.seen(context)
    usual, more = (
        sum(retriever.fuse(context, offers(kind), out) for out in (nothing, exclude)).numpy()
        for kind in ("recommend", "recent")
    )
    assert more[0].any()
    np.testing.assert_allclose(found[0], usual[0] + more[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], usual[1], rtol=1e-5)


def test_the_features_of_candidates_are_those_of_their_items(retriever: Retriever, state: State) -> None:
    context = ask(retriever, "u5")
    rows, counts = taken(state, "u5")
    bought, never = int(rows[-1]), 8
    features = retriever.features(context, tf.constant([[never, bought]])).numpy()[0]
    named = [dict(zip(NAMES, values.tolist(), strict=True)) for values in features]
    assert named[1]["count"] == pytest.approx(np.log1p(counts[-1, 0]), rel=1e-5)
    last = state.ages[state.taken_splits[state.users.index("u5") + 1] - 1, 0]
    assert named[1]["last"] == pytest.approx(np.log1p(last), rel=1e-5)
    assert named[0]["count"] == 0
    assert named[0]["last"] > named[1]["last"]
    assert named[0]["price_level"] == pytest.approx(np.log1p(3.0))
    best = context.scores["ease"].numpy().max()
    assert named[1]["ease_share"] == pytest.approx(named[1]["ease"] / best, rel=1e-4)
    assert np.isnan(named[0]["two_tower"])  # The head reads it for searches alone.
    searched = retriever.features(ask(retriever, "u5", query="mug"), tf.constant([[never]])).numpy()[0, 0]
    assert searched[NAMES.index("two_tower")] == pytest.approx(np.cos(1.0), rel=1e-5)


def test_where_the_two_tower_reads_order_its_score_is_known_of_recommendations(state: State) -> None:
    tower = Tower()
    tower.reads_order = tf.Variable(True, trainable=False)
    text = TextSearch(Tokenizer(bert_folder()), [f"red mug number {number}" for number in range(9)], [])
    found = Retriever(tower, text, np.full(len(ITEMS), 3.0), state)
    numbers = found.features(ask(found, "u5"), tf.constant([[8, 0]])).numpy()[0, :, NAMES.index("two_tower")]
    np.testing.assert_allclose(numbers, [np.cos(1.0), 1.0], rtol=1e-5)


def test_candidates_hold_own_items_and_unseen_ones_and_nothing_excluded(retriever: Retriever) -> None:
    context = ask(retriever, "u5", ["i2", "i4"])
    nothing = tf.zeros([1, len(ITEMS)], tf.bool)
    fused = retriever.candidates(context, offers("recommend"), nothing).numpy()[0]
    seen = retriever.seen(context).numpy()[0]
    assert (fused[seen] > 0).all()
    assert (fused[:7][~seen[:7]] > 0).any()
    without = retriever.candidates(context, offers("recommend"), retriever.seen(context)).numpy()[0]
    assert not without[seen].any()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_never_sold_is_a_candidate_of_whom_its_text_tells(state: State, sign: float) -> None:
    spectrum = state.tables["spectrum"]
    turned = {**state.tables, "spectrum": {**spectrum, "told": sign * spectrum["told"]}}
    text = TextSearch(Tokenizer(bert_folder()), [f"mug {number}" for number in range(9)], [])
    found = Retriever(Tower(), text, np.full(9, 3.0), dataclasses.replace(state, tables=turned))
    context = ask(found, "u5")
    fused = found.candidates(context, offers("recommend"), tf.zeros([1, len(ITEMS)], tf.bool)).numpy()[0]
    told = context.scores["spectrum_by_text"].numpy()[0]
    assert (fused[7:] > 0).tolist() == (told[7:] > 0).tolist() == [sign < 0] * 2


def test_a_visitor_without_history_gets_what_is_popular_first(retriever: Retriever) -> None:
    context = ask(retriever, "nobody")
    fused = retriever.fuse(context, offers("cold"), tf.zeros([1, len(ITEMS)], tf.bool)).numpy()[0]
    popularity = context.scores["popularity"].numpy()[0]
    assert fused.argmax() == popularity.argmax()
    assert not retriever.seen(context).numpy().any()


def test_what_alike_titles_score_is_the_mean_of_their_cosines(retriever: Retriever) -> None:
    context = retriever.context(tf.constant(["mug"]), tf.constant([""]), tf.zeros([1, 0], tf.string))
    found = retriever.features(context, tf.constant([[0, 4]])).numpy()[0, :, NAMES.index("dense_near")]
    cosines = np.cos(np.linspace(0.0, 1.0, len(ITEMS)))
    np.testing.assert_allclose(found, [np.delete(cosines, row).mean() for row in (0, 4)], rtol=1e-5)


def test_moved_to_another_moment_it_answers_as_one_made_for_it() -> None:
    taken, titles, prices = (
        taken_by_forty(),
        [f"mug {n}" for n in range(len(ITEMS))],
        np.full(len(ITEMS), 3.0),
    )
    text = TextSearch(Tokenizer(bert_folder()), titles, [])
    everyone = sorted(set(taken["user_id"]))
    said = Tower().text_embeddings
    early = make_state(taken, USERS, ITEMS, 20 * DAY, everyone, texts=said)
    moved = Retriever(Tower(), text, prices, early, moves=True)
    rows = tf.constant([list(range(len(ITEMS)))] * 3)

    @tf.function
    def answer() -> tuple[tf.Tensor, tf.Tensor]:
        context = moved.context(
            tf.constant(["", "", "mug 3"]), tf.constant(["u5", "u0", "u7"]), tf.zeros([3, 0], tf.string)
        )
        nothing = tf.zeros([3, len(ITEMS)], tf.bool)
        return moved.candidates(context, offers("recommend"), nothing), moved.features(context, rows)

    answer()
    late = make_state(taken, USERS, ITEMS, NOW, everyone, texts=said)
    moved.move_to(late)
    fused, numbers = answer()
    made = Retriever(Tower(), text, prices, make_state(taken, USERS, ITEMS, NOW, texts=said))
    context = made.context(
        tf.constant(["", "", "mug 3"]), tf.constant(["u5", "u0", "u7"]), tf.zeros([3, 0], tf.string)
    )
    expected = made.candidates(context, offers("recommend"), tf.zeros([3, len(ITEMS)], tf.bool))
    np.testing.assert_allclose(fused, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(numbers, made.features(context, rows), rtol=1e-5, atol=1e-5)
    assert late.known() == set(everyone)


def test_who_took_nothing_yet_is_unknown_but_for_a_row() -> None:
    early = make_state(taken_by_forty(), USERS, ITEMS, 2 * DAY, [f"u{n}" for n in range(40)])
    absent = next(user for user in early.users if user not in early.known())
    row = early.users.index(absent)
    assert early.countries[row] == ""
    assert early.taken_splits[row] == early.taken_splits[row + 1]
    assert early.user_numbers[row + 1, USER_NUMBERS.index("user_items")] == 0
