"""The served model tells the titles of its items."""

from __future__ import annotations

import pytest
import tensorflow as tf

from aisle.model.served.bundle import Bundle


@pytest.mark.xdist_group("small_search")
def test_an_item_has_its_title_and_what_is_unknown_has_none(judged_search: Bundle) -> None:
    told = judged_search.titles(tf.constant([["i7", "zz", "i3"], ["", "i0", "i1"]]))
    # i3 is an item without a title.
    assert told["titles"].numpy().tolist() == [[b"mini red mug", b"", b""], [b"", b"red mug", b"blue mugs"]]
    assert judged_search.titles(tf.zeros([2, 0], tf.string))["titles"].shape == [2, 0]
