"""The sentiment of reviews: what is read of them, what is learnt, and what no input can break."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.reviews.aspects import named
from aisle.model.reviews.kernel import Kernel
from aisle.model.reviews.ngrams import NGrams, counted, fitted, hashed, weighed
from aisle.model.reviews.sentiment import Learnt, learn
from aisle.model.reviews.text import plain

GOOD = ("很好", "不错", "质量好", "good mug", "not bad at all", "love it")
BAD = ("不好", "很差", "质量差", "bad mug", "not good at all", "hate it")


@pytest.fixture(scope="module")
def learnt() -> Learnt:
    texts = [f"{text} {n}" for n in range(20) for text in (*GOOD, *BAD)]
    return learn(texts, np.tile([1] * 6 + [0] * 6, 20))


def _plain(*texts: str) -> list[str]:
    return [text.decode() for text in plain(tf.constant(texts)).numpy()]


def test_markup_entities_widths_and_case_are_no_part_of_a_review() -> None:
    assert _plain("<p>ＧＯＯＤ&nbsp;<br/>mug</p><script>alert('x')</script>", "3 < 4 > 2", "  ") == [
        "good mug",
        "3 < 4 > 2",
        "",
    ]


def test_a_megabyte_is_cut_and_a_broken_character_replaced() -> None:
    (long, broken) = plain(tf.constant(["好" * 1_000_000, b"ok \xff"])).numpy()
    assert len(long.decode()) == 2_000
    assert broken.decode().startswith("ok ")


def test_runs_are_those_of_each_text_alone() -> None:
    row, value, count = (part.numpy() for part in hashed(tf.constant(["ab", "ab", "aa"])))
    of = [dict(zip(value[row == n].tolist(), count[row == n].tolist(), strict=True)) for n in range(3)]
    # Of " ab ": " ", a, b, " a", "ab", "b ", " ab", "ab ", " ab "; a space stands there twice.
    assert of[0] == of[1] and len(of[0]) == 9 and sorted(of[0].values()) == [1] * 8 + [2]
    assert sorted(of[2].values()) == [1] * 6 + [2, 2]


def test_the_graph_says_what_the_matrix_does() -> None:
    texts = [*GOOD, *BAD] * 3
    hashes, counts = counted(texts)
    good = np.array(([1] * 6 + [0] * 6) * 3)
    matrix, _ = weighed(counts, good)
    expected = fitted(matrix, good).decision_function(matrix)
    found = NGrams.learn(hashes, counts, good)(tf.constant(texts)).numpy()
    # The graph sees a text's runs that no other has, too: all of these are in several.
    assert found == pytest.approx(expected, abs=1e-4)


def test_negation_turns_a_review(learnt: Learnt) -> None:
    good, bad, fine, ill = learnt.model(
        tf.constant(["质量好", "不好", "not bad at all", "not good at all"])
    ).numpy()
    assert min(good, fine) > 0.5 > max(bad, ill)


@pytest.mark.parametrize("text", ["", " ", "😀", "<br>", "\x00", "‮", "a" * 1_000_000])
def test_whatever_comes_has_a_probability(learnt: Learnt, text: str) -> None:
    (found,) = learnt.model(tf.constant([text])).numpy()
    assert 0 < found < 1


def test_a_review_is_judged_by_models_that_never_saw_it() -> None:
    # Labels that are chance: whoever had seen them would know them.
    random = np.random.default_rng(3)
    texts = ["".join(chr(0x4E00 + one) for one in random.integers(0, 500, 12)) for _ in range(300)]
    good = random.integers(0, 2, 300)
    found = learn(texts, good)
    assert ((found.probability > 0.5) == good).mean() < 0.6
    assert ((found.model(tf.constant(texts)).numpy() > 0.5) == good).mean() > 0.7


def test_states_of_a_part_help_where_they_know_more() -> None:
    random = np.random.default_rng(1)
    good = random.integers(0, 2, 240)
    texts = [
        f"{'好' if right else '差'}{n}"
        for n, right in enumerate(np.where(random.random(240) < 0.7, good, 1 - good))
    ]
    read = np.arange(0, 240, 2)
    states = random.normal(0, 0.3, (120, 8)) + np.where(good[read], 1.0, -1.0)[:, None]
    found = learn(texts, good, states, read)
    right = (found.probability > 0.5) == good
    assert right[read].mean() > 0.95 > right[1::2].mean()
    assert found.model.reads and not found.alone.reads


def test_states_of_good_texts_alone_teach_nothing() -> None:
    texts = [f"{'好' if n % 2 else '差'}{n}" for n in range(60)]
    found = learn(texts, np.arange(60) % 2, np.ones((30, 8)), np.arange(1, 60, 2))
    assert not found.model.reads and ((found.probability > 0.5) == np.arange(60) % 2).all()


def test_a_kernel_parts_what_no_line_does() -> None:
    corners = np.tile(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]).repeat(4, 1), (15, 1)).astype(float)
    good = np.tile([0, 1, 1, 0], 15)
    found = Kernel.learn(corners, good)(tf.constant(corners, tf.float32)).numpy()
    assert ((found > 0) == good).all()


def test_aspects_find_their_phrases_across_languages() -> None:
    # One language lies apart from the other by the same step.
    seeds = {"delivery": np.array([[1.0, 0.0, 5.0]]), "size": np.array([[0.0, 1.0, 5.0]])}
    vectors = np.array([[1.0, 0.0, -5.0], [0.0, 1.0, -5.0], [0.5, 0.5, -5.0]])
    assert named(["物流", "尺码", "的"], vectors, seeds) == {"delivery": ["物流"], "size": ["尺码"]}
    assert named([], np.zeros((0, 3)), seeds) == {"delivery": [], "size": []}
