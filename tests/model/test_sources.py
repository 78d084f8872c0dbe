"""A source of candidates is one object: registered, it is found wherever sources matter."""

from __future__ import annotations

import json
import os
import subprocess
import sys

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.retrieval.sources import SOURCES, offers, scores
from aisle.model.retrieval.sources.neighbours import neighbours, spread
from aisle.model.retrieval.sources.source import Inputs, Pairs

_REGISTERED = """
import json, sys
import numpy as np
import tensorflow as tf
from aisle.model.retrieval import sources
from aisle.model.retrieval.sources.source import Part, Score, TableSource, VectorSource

# Both speak for the shoe, which nobody took and no query names.
cheap = TableSource(
    "luck",
    (Score("luck", recommend=Part(1, 9.0), share=True),),
    lambda inputs, kept: {"luck": inputs.everywhere(kept["lucky"])},
    lambda past: {"lucky": np.eye(past.count, dtype=np.float32)[6]},
)
seen = VectorSource(
    "looks",
    (Score("looks", search=Part(1, 9.0), signed=True),),
    items="item_embeddings",
    vector=lambda vectors: tf.ones_like(vectors.user) * tf.eye(10)[6],
    asked="searches",
)
sources.SOURCES += [cheap, seen]

from aisle.model.retrieval.features import CANDIDATE_FEATURES
from tests.model.small_shop import small_shop

bundle = small_shop()
nobody = tf.zeros([1, 0], tf.string)
searched = bundle.search(tf.constant(["coffee mug"]), tf.constant([""]), tf.constant(10))
context = bundle.retriever.context(tf.constant([""]), tf.constant(["u0"]), nobody)
fused = bundle.retriever.candidates(context, sources.offers("recommend"), tf.zeros([1, 10], tf.bool))
why = bundle.explain(tf.constant(["coffee mug"]), tf.constant([""]), tf.constant([["shoe"]]))
near = bundle.similar(tf.constant(["shoe"]), tf.constant(3))
print(json.dumps({
    "numbers": [feature.name for feature in CANDIDATE_FEATURES],
    "first_of_a_search": searched["item_ids"].numpy()[0, 0].decode(),
    "first_candidate": int(fused.numpy()[0].argmax()),
    "explained_by": dict(zip(
        [name.decode() for name in why["sources"].numpy()], why["source_ranks"].numpy()[0, 0].tolist()
    )),
    "similar": near["item_ids"].shape[1],
}))
"""


def test_a_registered_source_is_in_candidates_numbers_answers_and_explanations() -> None:
    done = subprocess.run([sys.executable, "-c", _REGISTERED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert {"luck", "luck_share", "looks"} <= set(found["numbers"])
    assert found["first_of_a_search"] == "shoe"
    assert found["first_candidate"] == 6
    assert found["explained_by"]["looks"] == 1
    assert found["similar"] == 3


def test_no_two_sources_have_a_name_in_common() -> None:
    for names in (
        [source.name for source in SOURCES],
        [score.name for score in scores()],
        [feature.name for feature in CANDIDATE_FEATURES],
    ):
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("search", {"dense": 150, "lexical": 100}),
        ("cold", {"two_tower": 100, "popularity": 100, "new": 40}),
    ],
)
def test_what_gives_candidates_for_what(kind: str, expected: dict[str, int]) -> None:
    assert {offer.score: offer.bound for offer in offers(kind)} == expected  # type: ignore[arg-type]


@given(st.integers(0, 10_000))
def test_neighbours_spread_as_if_each_item_had_a_row_of_them(seed: int) -> None:
    draw = np.random.default_rng(seed)
    items = draw.integers(0, 6, (6, 2)).astype(np.int32)
    weights = (draw.random((6, 2)) * (draw.random((6, 1)) < 0.5)).astype(np.float32)
    owner, item = draw.integers(0, 3, 8), draw.integers(0, 6, 8)
    worth = draw.random(8).astype(np.float32)
    expected = np.zeros((3, 6))
    for one, row, value in zip(owner, item, worth, strict=True):
        np.add.at(expected[one], items[row], weights[row] * value)
    taken = Pairs(tf.constant(owner, tf.int32), tf.constant(item, tf.int32), {}, tf.zeros([8, 2]), tf.ones(8))
    inputs = Inputs(3, 6, tf.constant([""]), None, taken, {}, {})  # type: ignore[arg-type]
    kept = {name: tf.constant(values) for name, values in neighbours((items, weights)).items()}
    assert len(kept["items"]) == 1 + weights.any(1).sum()
    np.testing.assert_allclose(spread(inputs, kept, [tf.constant(worth)])[0], expected, atol=1e-5)
