"""The numbers that the benchmark of labels tries say what the Labeler's labels say, of the past alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import tensorflow as tf

from aisle.components.labeler.labelled import Labelled
from aisle.model.retrieval.sources.source import Inputs, Pairs, Past
from benchmarks.labels.tried import SHIPPED, Meaning, categories, intents, tags_asked
from benchmarks.labels.worth import FIGURES

IDS = ["mug", "cup", "hat", "odd"]
MEANING = Meaning(
    category=np.array([1, 1, 2, 0], np.int32),
    categories=3,
    tags=np.array([[1, 2], [1, 0], [3, 0], [0, 0]], np.int32),
    tag_weights=np.array([[0.8, 0.6], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]], np.float32),
    tag_texts=["mug", "red", "wool hat"],
    queries=["mug", "red mug", "red hat"],
)


def _inputs(query: str, owner: list[int], item: list[int], worth: list[float]) -> Inputs:
    """Two users (the query is the first's) who took some items."""
    counts = {"repeat_60": tf.constant(worth, tf.float32)}
    ones = tf.ones([len(item)])
    taken = Pairs(tf.constant(owner), tf.constant(item), counts, tf.zeros([len(item), 2]), ones)
    return Inputs(tf.constant(2), 4, tf.constant([query, ""]), None, taken, {}, {})  # type: ignore[arg-type]


def _past(rows: list[tuple[str, int]]) -> Past:
    known = pl.DataFrame(rows, schema={"query": pl.String, "row": pl.Int64}, orient="row")
    return Past(4, known, pl.DataFrame(), {}, pl.DataFrame())


def test_an_intent_is_what_a_query_led_to_smoothed_by_its_words() -> None:
    source = intents(MEANING)
    past = _past([("mug", 0), ("mug", 1), ("red mug", 0), ("red hat", 2), ("", 2)])
    kept = {name: tf.constant(values) for name, values in source.build(past).items()}
    found = source.score(_inputs("Red mug", [], [], []), kept)["intent"].numpy()[0]
    # Of four takings three are of mugs. With a prior of two votes `red` says (1 + 2 * 0.75) / (2 + 2) of mugs and `mug`
    # says (3 + 2 * 0.75) / (3 + 2); the query's own one vote is joined by two of their mean.
    words = ((1 + 1.5) / 4 + (3 + 1.5) / 5) / 2
    mugs = (1 + 2 * words) / 3
    assert found == pytest.approx([mugs, mugs, 1 - mugs, 0.0], abs=1e-6)


def test_a_query_of_unknown_words_has_the_intent_of_the_shop() -> None:
    source = intents(MEANING)
    kept = {name: tf.constant(v) for name, v in source.build(_past([("mug", 0), ("red hat", 2)])).items()}
    found = source.score(_inputs("lamp", [], [], []), kept)["intent"].numpy()[0]
    assert found == pytest.approx([0.5, 0.5, 0.5, 0.0])


def test_a_category_counts_by_its_share_of_what_a_user_took() -> None:
    taken = _inputs("", [0, 0, 0, 1], [0, 1, 2, 3], [1.0, 0.5, 0.5, 1.0])
    found = categories(MEANING).score(taken, {})
    assert found["category_taken"].numpy()[0] == pytest.approx([2 / 3, 2 / 3, 1 / 3, 0.0])
    assert found["category_lately"].numpy()[0] == pytest.approx([0.75, 0.75, 0.25, 0.0])
    assert found["category_taken"].numpy()[1].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_a_query_names_tags_of_one_word_and_of_two() -> None:
    source = tags_asked(MEANING)
    assert source.score(_inputs("red mug", [], [], []), {})["tags_asked"].numpy()[0] == pytest.approx(
        [1.4, 1.0, 0.0, 0.0]
    )
    assert source.score(_inputs("a wool hat", [], [], []), {})["tags_asked"].numpy()[0, 2] == 1.0


def test_categories_and_tags_are_read_off_the_labels() -> None:
    tables = {
        "items": pa.table({"item_id": IDS, "category": ["Home/Mugs", "Home/Mugs", "Wear", None]}),
        "tags": pa.table({"item_id": ["mug", "mug", "hat"], "tag": ["mug", "red", "red"]}),
        "interactions": pa.table({"query": ["Red mug", "", "Red mug"]}),
    }
    meaning = Meaning.of(Labelled(tables, *[None] * 8), IDS)  # type: ignore[arg-type]
    assert meaning.category.tolist() == [1, 1, 2, 0]
    assert meaning.queries == ["red mug"]
    assert meaning.tag_texts == ["mug", "red"]
    rare, common = np.log(4 / 1), np.log(4 / 2)
    assert meaning.tag_weights[0] == pytest.approx(np.array([rare, common]) / np.hypot(rare, common))
    assert not meaning.tag_weights[3].any()


def test_what_is_shipped_must_not_harm_and_must_help_a_simulated_shop() -> None:
    sure, unsure, harm = ({"gain": g, "ci": (g - 0.1, g + 0.1)} for g in (0.2, 0.05, -0.2))

    def missed(simulated: bool, **parts: dict[str, Any]) -> int:
        found = {"simulated": simulated, "gains": {SHIPPED: parts}}
        return sum(figure.missed(figure.of(found)) for figure in FIGURES)

    assert missed(True, recommended=sure, recommended_new=unsure, searched=harm) == 0
    assert missed(False, recommended=unsure) == 0
    assert missed(True, recommended=unsure) == 1
    assert missed(False, recommended=sure, recommended_new=harm) == 1
