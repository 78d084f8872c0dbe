"""The approximate index by hand, beside the exact one, and inside a served model."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from aisle.model.options import BundleOptions
from aisle.model.retrieval import clusters, index_choice
from aisle.model.retrieval.clusters import make_index, spherical_kmeans
from aisle.model.retrieval.index import ApproximateIndex, ExactIndex, Index, cosines, nearest_by_sum
from aisle.model.retrieval.item_table import ItemTable
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.state import make_state
from aisle.model.served.bundle import Bundle
from aisle.model.text.bert import Tokenizer
from aisle.model.text.lexical.index import TextSearch
from aisle.schema.bert.weights import bert_folder
from aisle.schema.contract import SIGNATURES, with_defaults
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

ITEMS = 600
ALLOWED_OPS = set(
    [
        "AddV2",
        "BatchMatMulV2",
        "Const",
        "ExpandDims",
        "Fill",
        "GatherNd",
        "GatherV2",
        "Identity",
        "Less",
        "LogicalAnd",
        "MatMul",
        "Maximum",
        "NoOp",
        "Pack",
        "Pad",
        "PadV2",
        "Placeholder",
        "RaggedRange",
        "Range",
        "ReadVariableOp",
        "ResourceGather",
        "SelectV2",
        "Shape",
        "Squeeze",
        "StridedSlice",
        "Sub",
        "TensorListFromTensor",
        "TensorListGetItem",
        "TensorListReserve",
        "TensorListSetItem",
        "TensorListStack",
        "TopKV2",
        "While",
    ]
)
"""Ops of TensorFlow itself, all older than 2.12, so that stock TF Serving has them."""


def clustered(count: int, width: int, seed: int = 0) -> np.ndarray:
    """Unit vectors around 20 directions, float32 [count, width]."""
    rng = np.random.default_rng(seed)
    centre = np.random.default_rng(99).standard_normal((20, width))
    vectors = centre[rng.integers(0, 20, count)] + 0.6 * rng.standard_normal((count, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def square() -> ApproximateIndex:
    """Five items, of which the first, second and fifth lie to the east, the others to the north."""
    vectors = tf.Variable([[1.0, 0.0], [0.9, 0.1], [0.1, 0.9], [0.0, 1.0], [0.7, 0.3]])
    return ApproximateIndex(vectors, tf.constant([[1.0, 0.0], [0.0, 1.0]]), tf.constant([0, 0, 1, 1, 0]), 1)


def nothing(batch: int, count: int) -> tf.Tensor:
    return tf.zeros([batch, count], tf.bool)


def test_only_the_nearest_cluster_is_read_and_lacking_items_are_no_items() -> None:
    rows, scores = square().ask(tf.constant([[2.0, 1.0], [0.0, 1.0]])).top(4, nothing(2, 5))
    assert rows.numpy()[0, :3].tolist() == [0, 1, 4]
    assert rows.numpy()[1, :2].tolist() == [3, 2]
    np.testing.assert_allclose(scores[0], [2.0, 1.9, 1.7, -np.inf], rtol=1e-6)
    np.testing.assert_allclose(scores[1], [1.0, 0.9, -np.inf, -np.inf], rtol=1e-6)


def test_an_excluded_item_of_one_query_is_given_to_another() -> None:
    exclude = tf.constant([[True, False, False, False, False], [False] * 5])
    rows, scores = square().ask(tf.constant([[1.0, 0.0], [1.0, 0.0]])).top(2, exclude)
    assert rows.numpy().tolist() == [[1, 4], [0, 1]]
    assert np.isfinite(scores.numpy()).all()


def test_the_score_of_a_given_item_is_exact_wherever_it_lies() -> None:
    scores = square().ask(tf.constant([[2.0, 1.0]])).of(tf.constant([[3, 0, 3]]))
    np.testing.assert_allclose(scores, [[1.0, 2.0, 1.0]], rtol=1e-6)


@pytest.mark.parametrize("exact", [True, False])
def test_alike_is_what_points_the_same_way_however_long_it_is(exact: bool) -> None:
    rng = np.random.default_rng(4)
    lengths = rng.uniform(0.01, 5.0, 40).astype(np.float32)
    unit = clustered(40, 8)
    vectors = tf.Variable(unit * lengths[:, None])
    centroids, of_item = spherical_kmeans(vectors, 4, seed=3)
    index: Index = ExactIndex(vectors) if exact else ApproximateIndex(vectors, centroids, of_item, 4)
    asked = cosines(index, tf.gather(vectors, [3, 30]), tf.constant(lengths))
    expected = unit[[3, 30]] @ unit.T
    everything = tf.constant([range(40)] * 2)
    np.testing.assert_allclose(asked.of(everything), expected, atol=1e-5)
    rows, scores = asked.top(40, nothing(2, 40))
    np.testing.assert_allclose(scores, np.take_along_axis(expected, rows.numpy(), 1), atol=1e-5)
    assert [set(row) for row in rows.numpy().tolist()] == [set(range(40))] * 2


@pytest.mark.parametrize("count", [7, 100, ITEMS])
def test_with_every_cluster_read_the_answer_is_the_exact_one(count: int) -> None:
    vectors = tf.Variable(clustered(count, 16))
    centroids, of_item = spherical_kmeans(vectors, 7, seed=3)
    query = tf.constant(clustered(9, 16, seed=1))
    exclude = tf.constant(np.random.default_rng(2).random((9, count)) < 0.2)
    whole = ApproximateIndex(vectors, centroids, of_item, probes=7)
    for depth in (1, min(count, 50)):
        rows, scores = whole.ask(query).top(depth, exclude)
        exact, truth = ExactIndex(vectors).ask(query).top(depth, exclude)
        np.testing.assert_allclose(scores, truth, atol=1e-5)
        there = np.isfinite(truth.numpy())
        assert (rows.numpy()[there] == exact.numpy()[there]).mean() > 0.99  # Ties may change places.


def test_no_query_is_no_answer() -> None:
    rows, scores = square().ask(tf.zeros([0, 2])).top(3, nothing(0, 5))
    assert rows.shape == scores.shape == (0, 3)


def test_clusters_are_the_directions_that_there_are() -> None:
    vectors = tf.Variable(clustered(2000, 32))
    _, of_item = spherical_kmeans(vectors, 40, seed=1)
    found = tf.math.bincount(of_item, minlength=40).numpy()
    assert found.sum() == 2000
    assert found.max() < 200


def test_the_clusters_read_find_what_is_aimed_at_in_questions_that_did_not_choose_them() -> None:
    vectors = tf.Variable(clustered(5000, 32))
    made = make_index(vectors, {"items": clustered(200, 32, seed=5), "none": np.zeros((0, 32), np.float32)})
    assert made.figures["recall"].keys() == {"items"}
    assert made.figures["recall"]["items"] >= 0.95
    assert made.figures["queries"] == {"items": 100}
    assert 0 < made.figures["read_share"] < 0.5
    assert made.figures["clusters"] == 141
    assert made.index.memory == 4 * (5000 + 141 * 32 + 142)


def test_where_the_vectors_have_no_clusters_the_recall_says_so() -> None:
    noise = np.random.default_rng(0).standard_normal((4000, 64)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    made = make_index(tf.Variable(noise), {"items": noise[:100]})
    assert made.figures["probes"] == int(clusters.MOST_READ * made.figures["clusters"])
    assert made.figures["recall"]["items"] < 0.9


def test_two_spaces_give_their_items_once_by_the_sum_of_both_scores() -> None:
    east, north = tf.constant([[2.0, 1.0]]), tf.constant([[1.0, 2.0]])
    for other, expected in ((east, {0: 4.0, 1: 3.8, 4: 3.4}), (north, {row: 3.0 for row in range(5)})):
        rows, sums = nearest_by_sum([square().ask(east), square().ask(other)], nothing(1, 5))
        there = np.isfinite(sums.numpy()[0])
        found = dict(zip(rows.numpy()[0][there].tolist(), sums.numpy()[0][there].tolist(), strict=True))
        assert found == pytest.approx(expected)
        assert there.sum() == len(expected)


class Tower(tf.Module):
    """Vectors in clusters; users and texts point at items by their hash."""

    def __init__(self) -> None:
        super().__init__()
        self.item_ids = tf.Variable([f"i{number}" for number in range(ITEMS)], trainable=False)
        self.item_embeddings = tf.Variable(clustered(ITEMS, 16), trainable=False)
        self.text_embeddings = tf.Variable(clustered(ITEMS, 24, seed=1), trainable=False)
        self.text_neighbours = tf.range(ITEMS)[:, None]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def embed_text(self, text: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.text_embeddings, tf.strings.to_hash_bucket_fast(text, ITEMS))

    def embed_query(self, user: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.item_embeddings, tf.strings.to_hash_bucket_fast(user, ITEMS))


class Head(tf.Module):
    """Ranks by the mean of the numbers; has never read a query or a title."""

    def __init__(self) -> None:
        super().__init__()
        self.searches = tf.Variable(False, trainable=False)
        self.reads_history = tf.Variable(False, trainable=False)
        self.beside = tf.Variable(0.0, trainable=False)

    def score_numbers(self, _: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.where(tf.math.is_nan(numbers), 0.0, numbers), 1)

    def score(self, query: tf.Tensor, _: tf.Tensor, __: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        return self.score_numbers(query, numbers)

    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": tf.zeros(tf.shape(examples))}


USERS = [f"u{number}" for number in range(60)]
ASKED = ("search", "filtered_search", "similar", "recommend", "retrieve", "rank")


def shop(exact_items: int) -> tuple[Bundle, dict[str, object]]:
    """A bundle of ITEMS items, and what its index file says."""
    rng = np.random.default_rng(4)
    rows = [
        (user, f"i{item}", int(day) * DAY, f"s{user}-{day}", 1.0)
        for user in USERS
        for day in rng.integers(1, 99, 4)
        for item in rng.integers(0, ITEMS, 3)
    ]
    names = ["user_id", "item_id", "timestamp", "session_id", "weight"]
    taken = pl.DataFrame(rows, schema=names, orient="row")
    known = pl.DataFrame({"user_id": ["u0"], "country": ["Norway"]})
    ids = [f"i{number}" for number in range(ITEMS)]
    titles = [f"red mug number {number}" for number in range(ITEMS)]
    state = make_state(taken, known, ids, 100 * DAY)
    prices = np.full(ITEMS, 3.0)
    retriever = Retriever(Tower(), TextSearch(Tokenizer(bert_folder()), titles, []), prices, state)
    judged = pl.DataFrame({"query": [f"mug {number}" for number in range(80)]})
    figures = index_choice.choose_indexes(
        retriever, USERS, index_choice.searched_in({"judgements": judged}), exact_items
    )
    categories = [f"Home/Part {number % 3}" for number in range(ITEMS)]
    table = ItemTable(titles, [], categories, [""] * ITEMS, prices, np.full(ITEMS, np.nan))
    return Bundle(retriever, Head(), table, BundleOptions(exact_items=exact_items)), figures


def ask(functions: dict[str, object], name: str, **inputs: object) -> dict[str, np.ndarray]:
    function = functions[name]
    if isinstance(function, tf.types.experimental.ConcreteFunction):
        inputs = with_defaults(next(one for one in SIGNATURES if one.name == name), inputs)
    answer = function(**{key: tf.constant(value) for key, value in inputs.items()})  # type: ignore[operator]
    return {key: value.numpy() for key, value in answer.items()}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], dict[str, object]]:
    """The signatures of a saved and loaded model whose approximate indexes were forced, and its figures."""
    bundle, figures = shop(exact_items=0)
    folder = str(tmp_path_factory.mktemp("model"))
    bundle.save(folder)
    return tf.saved_model.load(folder).signatures, figures


@pytest.fixture(scope="module")
def small() -> tuple[Bundle, dict[str, object]]:
    """The same shop whose catalogue is small enough for the exact indexes."""
    return shop(exact_items=ITEMS)


@pytest.fixture(scope="module")
def exact(small: tuple[Bundle, dict[str, object]]) -> dict[str, object]:
    """What its signatures are made of."""
    return {name: getattr(small[0], name) for name in ASKED}


def test_a_small_catalogue_keeps_the_exact_indexes(small: tuple[Bundle, dict]) -> None:
    bundle, figures = small
    assert all(isinstance(index, ExactIndex) for index in bundle.retriever.indexes.values())
    assert figures == {
        "kind": "exact", "items": ITEMS, "recall_at": 100, "recall": 1.0, "indexes": {}
    }  # fmt: skip


def test_the_figures_name_every_index_and_kind_of_question(loaded: tuple[dict, dict]) -> None:
    figures = json.loads(json.dumps(loaded[1]))
    recalls = {name: one["recall"].keys() for name, one in figures["indexes"].items()}
    assert recalls == {"two_tower": {"users", "items"}, "dense": {"searches", "items"}}
    lowest = min(recall for one in figures["indexes"].values() for recall in one["recall"].values())
    assert figures["kind"] == "approximate"
    assert figures["recall"] == lowest
    assert figures["indexes"]["dense"]["index_mb"] < figures["indexes"]["dense"]["vectors_mb"]


def test_the_served_model_answers_nearly_as_the_exact_one(loaded: tuple[dict, dict], exact: dict) -> None:
    k, pads = np.int32(20), [[""]] * 3
    asked = {
        "search": {"query": ["mug 1", "lamp", ""], "user_id": ["u1", "", ""], "k": k},
        "similar": {"item_id": ["i4", "i77", "nothing"], "k": k},
        "recommend": {"user_id": ["u1", "u2", "new"], "history": pads, "exclude_seen": True, "k": k},
        "retrieve": {"user_id": ["u1", "u2", "new"], "history": pads, "exclude_seen": True, "k": k},
    }
    for name, inputs in asked.items():
        ours, theirs = (ask(functions, name, **inputs)["item_ids"] for functions in (loaded[0], exact))
        same = [len(set(a) & set(b)) / max(len(set(b)), 1) for a, b in zip(ours, theirs, strict=True)]
        assert np.mean(same) > 0.7, name
        assert ((ours == b"") == (theirs == b"")).all(), name
    assert not ask(loaded[0], "similar", **asked["similar"])["item_ids"][2].any()
    near = ask(loaded[0], "similar", item_id=["i4"], k=k)
    assert b"i4" not in near["item_ids"]
    assert (np.diff(near["scores"]) <= 0).all()


def test_a_narrowed_search_finds_nearly_what_the_exact_one_does_and_nothing_else(
    loaded: tuple[dict, dict], exact: dict
) -> None:
    nothing = np.array([np.nan] * 3, np.float32)
    asked = {
        "query": ["mug 1", "lamp", ""],
        "user_id": [""] * 3,
        "category": ["home/part 1"] * 3,
        "brand": [[""]] * 3,
        "price_min": nothing,
        "price_max": nothing,
        "in_stock": False,
        "k": np.int32(20),
    }
    ours, theirs = (
        ask(functions, "filtered_search", **asked)["item_ids"] for functions in (loaded[0], exact)
    )
    for found, expected in zip(ours, theirs, strict=True):
        assert {int(item[1:]) % 3 for item in found if item} == {1}
        assert (found == b"").sum() == (expected == b"").sum()
        assert len(set(found) & set(expected)) > 0.7 * len(set(expected))


def test_given_items_are_scored_as_by_the_exact_one(loaded: tuple[dict, dict], exact: dict) -> None:
    asked = {"query": ["mug 1", "lamp"], "user_id": ["u1", ""], "item_ids": [["i1", "i2", "x"]] * 2}
    ours, theirs = (ask(functions, "rank", **asked)["scores"] for functions in (loaded[0], exact))
    # A source counts from its last candidate, which the approximate index may miss.
    np.testing.assert_allclose(ours, theirs, rtol=0.05)


def test_more_answers_than_are_found_are_empty_places(loaded: tuple[dict, dict]) -> None:
    answer = ask(loaded[0], "similar", item_id=["i4"], k=np.int32(2 * ITEMS))
    there = answer["item_ids"][0] != b""
    assert answer["item_ids"].shape == (1, 2 * ITEMS)
    assert 20 < there.sum() < ITEMS
    assert len(set(answer["item_ids"][0][there])) == there.sum()
    assert np.isneginf(answer["scores"][0][~there]).all()


def test_the_index_needs_only_ops_that_stock_tf_serving_has() -> None:
    index = make_index(tf.Variable(clustered(300, 8)), {"items": clustered(20, 8)}).index

    @tf.function(input_signature=[tf.TensorSpec([None, 8], tf.float32)])
    def search(query: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        asked = index.ask(query)
        rows, scores = asked.top(10, tf.zeros([tf.shape(query)[0], 300], tf.bool))
        return rows, scores + asked.of(rows)

    graph = search.get_concrete_function().graph.as_graph_def()
    used = {node.op for node in graph.node} | {
        node.op for function in graph.library.function for node in function.node_def
    }
    assert used <= ALLOWED_OPS, sorted(used - ALLOWED_OPS)
