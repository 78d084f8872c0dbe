"""The served model tells what filters go by of its items, and as of when."""

from __future__ import annotations

import pathlib

import pytest
import tensorflow as tf

from aisle.model.served.bundle import Bundle
from aisle.model.served.saving.parts import write_graph, write_variables


@pytest.mark.xdist_group("small_search")
def test_an_item_has_its_facts_and_what_is_unknown_has_none(judged_search: Bundle) -> None:
    told = judged_search.facts(tf.constant([["i7", "zz"], ["", "i0"]]))
    assert told["known"].numpy().tolist() == [[True, False], [False, True]]
    # Of every item of this model both price and stock are 3, and no category or brand is known.
    assert told["prices"].numpy()[told["known"].numpy()].tolist() == [3.0, 3.0]
    assert tf.reduce_all(tf.math.is_nan(told["prices"]) == ~told["known"])
    assert not told["sold_out"].numpy().any() and set(told["brands"].numpy().ravel()) == {b""}
    assert judged_search.facts(tf.zeros([2, 0], tf.string))["known"].shape == [2, 0]


@pytest.mark.xdist_group("small_search")
def test_each_moment_that_a_model_is_saved_as_of_is_told(
    judged_search: Bundle, tmp_path: pathlib.Path
) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    for folder, moment in ((first, 5), (second, 1_790_000_000_000_000)):
        judged_search.item_facts.move_to(moment)
        write_variables(judged_search, folder)
    spec = tf.TensorSpec([None, None], tf.string, "item_ids")
    facts = tf.function(judged_search.facts, input_signature=[spec]).get_concrete_function()
    tf.saved_model.save(judged_search, str(tmp_path / "graph"), signatures={"facts": facts})
    for folder in (first, second):
        write_graph(str(tmp_path / "graph"), folder)
    told = [
        tf.saved_model.load(folder).signatures["facts"](item_ids=tf.constant([["i1"]]))
        for folder in (first, second)
    ]
    assert [int(one["as_of"]) for one in told] == [5, 1_790_000_000_000_000]
