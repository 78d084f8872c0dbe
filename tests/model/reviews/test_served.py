"""The sentiment in a served model: one to one what was learnt, where there was enough to learn it of."""

from __future__ import annotations

import pytest
import tensorflow as tf

from aisle.model.served.bundle import Bundle
from tests.model.small_search import SavedSearch

TEXTS = ["very good", "<b>BAD</b>&nbsp;mug", "ｇｏｏｄ", "", "😀", "mug " * 9_000, b"bad \xff", "很好"]


@pytest.mark.xdist_group("small_search")
def test_the_lean_graph_says_what_was_learnt(saved_search: SavedSearch) -> None:
    served = saved_search.loaded.signatures["sentiment"](text=tf.constant(TEXTS))["scores"].numpy()
    learnt = saved_search.bundle._of_reviews
    assert learnt is not None
    assert served.tolist() == learnt(tf.constant(TEXTS)).numpy().tolist()
    assert served[0] > 0.5 > served[1] and served[0] == pytest.approx(served[2], abs=0.2)
    assert saved_search.loaded.signatures["sentiment"](text=tf.zeros([0], tf.string))["scores"].shape == [0]


@pytest.mark.xdist_group("small_search")
def test_a_shop_without_enough_reviews_has_no_such_signature(judged_search: Bundle) -> None:
    assert "sentiment" not in {signature.name for signature in judged_search.answered()}
