"""Why a search ranks as it does: what is served sums up to what is served as the score."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.served.bundle import Bundle
from aisle.schema import contract
from aisle.schema.contract import WORD_PARTS
from aisle.serving import Client
from tests.model.small_search import ITEMS, SavedSearch, make_small_search
from tests.serving.conftest import end_server, start_server

pytestmark = pytest.mark.xdist_group("small_search")
QUERIES = ["red mugs", "mini fridge lamp"]


@dataclasses.dataclass(frozen=True)
class Pushed:
    """A model, the functions of its signatures, and whether its searches were clicked."""

    bundle: Bundle
    clicked: bool
    signatures: Mapping[str, Callable[..., dict[str, tf.Tensor]]]

    def explain(self, queries: list[str], items: list[list[str]]) -> dict[str, np.ndarray]:
        return self.ask("explain", query=queries, user_id=[""] * len(queries), item_ids=items)

    def ask(self, signature: str, **inputs: object) -> dict[str, np.ndarray]:
        declared = next(one for one in contract.SIGNATURES if one.name == signature)
        tensors = {
            name: tf.constant(value) for name, value in contract.with_defaults(declared, inputs).items()
        }
        outputs = self.signatures[signature](**tensors)
        return {name: value.numpy() for name, value in outputs.items()}


@pytest.fixture(scope="module", params=[False, True], ids=["judged", "clicked"])
def pushed(request: pytest.FixtureRequest) -> Pushed:
    """The saved model of clicked searches; of judged ones the graphs that would be saved."""
    if request.param:
        saved = request.getfixturevalue("saved_search")
        return Pushed(saved.bundle, True, saved.loaded.signatures)
    bundle = request.getfixturevalue("judged_search")
    graphs = {
        asked.name: bundle.graph(asked).get_concrete_function()
        for asked in (contract.EXPLAIN, contract.RANK, contract.SEARCH)
    }
    return Pushed(bundle, False, graphs)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-logits))


def test_the_parts_sum_to_the_logit_of_what_is_ranked_and_searched(pushed: Pushed) -> None:
    items = [list(ITEMS)] * 2
    why = pushed.explain(QUERIES, items)
    np.testing.assert_allclose(why["contributions"].sum(-1), why["scores"], atol=1e-4)
    ranked = pushed.ask("rank", query=QUERIES, user_id=["", ""], item_ids=items)["scores"]
    np.testing.assert_allclose(sigmoid(why["scores"]), ranked, atol=1e-6)
    searched = pushed.ask("search", query=QUERIES, user_id=["", ""], k=len(ITEMS))
    for row in range(2):
        order = [ITEMS.index(item.decode()) for item in searched["item_ids"][row]]
        # All that a search ranks is lifted above the rest by one constant.
        lifted = searched["scores"][row] - sigmoid(why["scores"][row][order])
        np.testing.assert_allclose(lifted, lifted[0], atol=1e-5)
    features = [name for name in why["parts"].tolist() if name.startswith(b"feature.")]
    assert len(features) == (len(CANDIDATE_FEATURES) if pushed.clicked else 0)


def test_the_words_share_out_their_parts(pushed: Pushed) -> None:
    why = pushed.explain(QUERIES, [list(ITEMS)] * 2)
    names = why["parts"].tolist()
    parts = sum(why["contributions"][:, :, names.index(part.encode())] for part in WORD_PARTS)
    np.testing.assert_allclose(why["word_contributions"].sum(-1), parts, atol=1e-5)
    assert why["words"].tolist() == [[b"red", b"mugs", b""], [b"mini", b"fridge", b"lamp"]]
    assert not why["word_contributions"][0, :, 2].any()
    # The only word of `i5` meets all of the query, nothing meets the item without a title.
    assert why["matched_words"][1, 5].tolist() == [b"fridges"] * 3
    assert why["matched_words"][1, 3].tolist() == [b""] * 3
    assert not why["word_contributions"][:, 3].any()


def test_the_ranks_are_the_places_in_each_source(pushed: Pushed) -> None:
    why = pushed.explain(QUERIES, [list(ITEMS)] * 2)
    retriever = pushed.bundle.retriever
    context = retriever.context(tf.constant(QUERIES), tf.constant(["", ""]), tf.zeros([2, 0], tf.string))
    assert why["sources"].tolist() == [b"dense", b"lexical"]
    everything = tf.tile(tf.range(len(ITEMS))[None], [2, 1])
    dense, lexical = context.dense["dense"].of(everything).numpy(), context.scores["lexical"].numpy()
    for row in range(2):
        for item in range(len(ITEMS)):
            better = (dense[row] > dense[row, item]).sum()
            assert why["source_ranks"][row, item, 0] == 1 + better
            earlier = (lexical[row] > lexical[row, item]) | (
                (lexical[row] == lexical[row, item]) & (np.arange(len(ITEMS)) < item)
            )
            place = 1 + earlier.sum() if lexical[row, item] > 0 else 0
            assert why["source_ranks"][row, item, 1] == place
    assert (why["source_ranks"][:, :, 1] == 0).any()


def test_unknown_items_and_empty_queries_have_a_defined_explanation(pushed: Pushed) -> None:
    why = pushed.explain(["red mug", " "], [["i0", "unheard of", ""], ["i0", "i1", "i2"]])
    assert np.isfinite(why["scores"]).tolist() == [[True, False, False], [False] * 3]
    assert why["scores"][0, 1] == -np.inf
    nothing = ~np.isfinite(why["scores"])
    for name in ("contributions", "word_contributions", "source_ranks"):
        assert not why[name][nothing].any(), name
    assert (why["matched_words"][nothing] == b"").all()
    alone = pushed.explain([""], [["i0"]])
    assert (alone["words"].shape, alone["word_contributions"].shape) == ((1, 0), (1, 1, 0))


def test_a_client_reads_it_from_a_server(saved_search: SavedSearch) -> None:
    process, target = start_server(saved_search.base)
    try:
        with Client(target, timeout=300) as client:
            first, unknown = client.explain("red mugs", ["i0", "unheard of"])
            (score,) = [item.score for item in client.rank("red mugs", "", ["i0"])]
    finally:
        end_server(process)
    assert first.item_id == "i0"
    assert sum(part.contribution for part in first.parts) == pytest.approx(first.score, abs=1e-4)
    assert sigmoid(np.array(first.score)) == pytest.approx(score, abs=1e-6)
    assert [match.word for match in first.words] == ["red", "mugs"]
    assert {match.matched for match in first.words} <= {"red", "mug"}
    assert [(found.source, found.rank) for found in first.found_by][0] == ("dense", 1)
    assert (unknown.score, unknown.found_by) == (-np.inf, ())


def test_without_a_head_that_searches_the_sources_sum_to_the_searchs_score(tmp_path: pathlib.Path) -> None:
    bundle = make_small_search(tmp_path, clicked=False, searched=False)
    query, user = tf.constant(["red mug"]), tf.constant([""])
    why = bundle.explain(query, user, tf.constant([ITEMS]))
    assert why["parts"].numpy().tolist() == [b"source.dense", b"source.lexical"]
    np.testing.assert_allclose(tf.reduce_sum(why["contributions"], -1), why["scores"])
    found = bundle.search(query, user, tf.constant(len(ITEMS)))
    order = [ITEMS.index(item.decode()) for item in found["item_ids"].numpy()[0]]
    np.testing.assert_allclose(why["scores"].numpy()[0][order], found["scores"].numpy()[0], rtol=1e-6)
    assert why["words"].shape == (1, 0)
