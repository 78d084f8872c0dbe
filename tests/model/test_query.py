"""Queries as the catalogue would spell them: units, plurals, misspelt words."""

from __future__ import annotations

import itertools
import string
from collections import Counter

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.model.text.bert import Tokenizer
from aisle.model.text.lexical.index import TextSearch
from aisle.model.text.lexical.query import QueryReader, fold_all
from aisle.model.text.lexical.spelling import Spelling
from aisle.schema.bert.weights import bert_folder

TITLES = [
    "Refrigerator", "Fragrance for men", "Red lamp", "Lame excuse", "Large external disk", "Men's shoes",
    "Boxes", "A box", "Berries", "Blackberry", "News of the new", "Glass", "60\" TV", "12oz mug", "Straße", "кофе",
    "Lamp shade",
]  # fmt: skip


def texts(values: tf.Tensor) -> list[str]:
    return [value.decode() for value in values.numpy()]


@pytest.fixture(scope="module")
def reader() -> QueryReader:
    return QueryReader(TITLES, common=["boat"])


@pytest.mark.parametrize(
    ("ways", "one"),
    [
        (['60" TV', "60 in. tv", "60-inch TV", "60inch  tv", "60 Inches tv", "60” TV", "60″ tv", "60in tv"], "60 inch tv"),
        (["12oz", "12 oz.", "12-Ounce", "12 OZ"], "12 oz"),
        (["5ft", "5'", "5 foot", "5 feet", "5-ft."], "5 ft"),
        (["1tb", "1 TB", "1 terabyte"], "1 tb"),
        (["100w", "100 watts", "100-Watt"], "100 watt"),
        (["5'10\" man"], "5 ft 10 inch man"),
        (["8\" x 8\""], "8 inch x 8 inch"),
        (["12v 7ah", "12 volt 7ah"], "12 volt 7ah"),
    ],
)  # fmt: skip
def test_a_measure_is_spelt_one_way(ways: list[str], one: str) -> None:
    assert fold_all(ways) == [one] * len(ways)


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("  RED\t\n Lamp ", "red lamp"),
        ("Men’s  shoes", "men's shoes"),
        ("crème BRÛLÉE ﬁx Ｆｕｌｌ", "creme brulee fix full"),
        ('"levis 505" blue', "levis 505 blue"),
        ("2 in 1 mop", "2 in 1 mop"),
        ("12-in-1 toy", "12-in-1 toy"),
        ("the 60's", "the 60's"),
        ("iphone 4 case", "iphone 4 case"),
        ("Acme™ soap®", "acme soap"),
        ("", ""),
        ("™", ""),
        ("กระเป๋า", "กระเป๋า"),
        ("чёрный ЧЕХОЛ Й", "чёрный чехол й"),
        ("बड़ा मग", "बड़ा मग"),
        ("شَاي أَخْضَر", "شاي اخضر"),
        ("سـلام", "سلام"),
        ("סֵפֶל", "ספל"),
        ("ガラス ｶﾞﾗｽ", "ガラス ガラス"),
        ("ά Ελλάδα", "α ελλαδα"),
        ("手机　８ＧＢ", "手机 8 gb"),
        ("\u200bmug\ufeff \u200emug", "mug mug"),
    ],
)
def test_a_text_is_folded(typed: str, folded: str) -> None:
    assert fold_all([typed]) == [folded]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
@settings(max_examples=50)
def test_what_was_folded_stays_as_it_is_but_for_measures(typed: list[str]) -> None:
    bare = ["".join(char for char in text if not char.isnumeric()) for text in typed]
    once = fold_all(bare)
    assert fold_all(once) == once


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("refrigirator", "refrigerator"),
        ("RED refrigirator!", "red refrigerator!"),
        ("fragance, fargance", "fragrance, fragrance"),
        ("refirgeratr", "refrigerator"),  # A swap and a letter too few.
        ("lapm", "lamp"),
        ("lame lamp", "lame lamp"),  # Both are known.
        ("lamx", "lamp"),  # As near as lame, and commoner.
        ("rad", "rad"),  # Too short.
        ("lam9", "lam9"),  # No word of letters.
        ("boat", "boat"),  # The language knows it.
        ("boats lamps", "boats lamps"),
        ("mens shoe", "mens shoe"),
        ("кофи", "кофе"),
        ("strasse", "strasse"),
        ("zzzzzzzz", "zzzzzzzz"),
        ("don't", "don't"),
        ("", ""),
    ],
)
def test_a_misspelt_word_becomes_the_nearest_of_the_catalogue(
    reader: QueryReader, typed: str, read: str
) -> None:
    assert texts(reader(tf.constant([typed]))) == [read]


def test_queries_of_a_batch_are_read_one_by_one(reader: QueryReader) -> None:
    typed = ["refrigirator lapm", "", "red lamp", "fragance"]
    assert texts(reader(tf.constant(typed))) == ["refrigerator lamp", "", "red lamp", "fragrance"]


@given(st.lists(st.sampled_from(" ".join(fold_all(TITLES)).split()), max_size=6))
@settings(max_examples=50)
def test_known_words_come_through_unchanged(reader: QueryReader, words: list[str]) -> None:
    query = " ".join(word for word in words if not word.isdigit())
    assert texts(reader(tf.constant([query.upper()]))) == fold_all([query])


def test_plurals_meet_their_singular_where_the_catalogue_has_either(reader: QueryReader) -> None:
    pairs = {
        "boxes": "box", "box": "box", "berry": "berries", "blackberries": "blackberry", "lamps": "lamp",
        "shoe": "shoes", "glass": "glass", "glas": "glas", "unheard": "unheard", "men's": "men", "mens": "men",
    }  # fmt: skip
    assert texts(reader.stems(tf.constant(list(pairs)))) == list(pairs.values())


def test_a_catalogue_without_a_word_leaves_queries_alone() -> None:
    reader = QueryReader([""])
    assert texts(reader(tf.constant(['refrigirator 60"', ""]))) == ["refrigirator 60 inch", ""]
    assert texts(reader.stems(tf.constant(["lamps"]))) == ["lamps"]


def edits(word: str, other: str) -> int:
    """Optimal string alignment by its recurrence."""
    table = {(i, 0): i for i in range(len(word) + 1)} | {(0, j): j for j in range(len(other) + 1)}
    for i, j in itertools.product(range(1, len(word) + 1), range(1, len(other) + 1)):
        changed = word[i - 1] != other[j - 1]
        best = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + changed)
        if i > 1 and j > 1 and word[i - 2 : i] == other[j - 1] + other[j - 2]:
            best = min(best, table[i - 2, j - 2] + 1)
        table[i, j] = best
    return table[len(word), len(other)]


WORDS = st.text("abc", min_size=3, max_size=9)


@given(
    st.dictionaries(WORDS, st.integers(1, 5), min_size=1, max_size=12),
    st.lists(WORDS, min_size=1, max_size=4),
)
@settings(max_examples=60)
def test_the_nearest_word_is_that_of_comparing_all(counts: dict[str, int], typed: list[str]) -> None:
    typed = [word for word in typed if len(word) >= 4] or ["aaaa"]
    found = texts(Spelling(counts)(tf.constant(typed)))
    for word, mended in zip(typed, found, strict=True):
        bound = 2 if len(word) >= 8 else 1
        # Two swaps in one word are not looked for.
        near = sorted((edits(word, other), -counts[other], other) for other in counts)
        near = [one for one in near if one[0] <= bound]
        twice = near and near[0][0] == 2 and Counter(near[0][2]) == Counter(word)
        assert mended == (near[0][2] if near else word) or twice


def test_both_sides_of_the_lexical_index_meet() -> None:
    titles = ['60" TV', "Coffee mugs", "coffee mug", "Lamp", "sofa"]
    descriptions = ["", "", "", "", "Seats three on linen."]
    search = TextSearch(Tokenizer(bert_folder()), titles, descriptions)
    queries = search.read(tf.constant(["60 in. tv", "MUGS", "linen", "lapm"]))
    assert texts(queries) == ["60 inch tv", "mugs", "linen", "lamp"]
    scores = search.scores(queries).numpy()
    assert [row.argmax() for row in scores] == [0, 1, 4, 3]
    assert scores[1, 1] == pytest.approx(scores[1, 2])


def test_only_ops_that_stock_tf_serving_has_are_used(reader: QueryReader) -> None:
    function = tf.function(lambda query: reader.stems(reader(query)))
    graph = function.get_concrete_function(tf.TensorSpec([None], tf.string)).graph.as_graph_def()
    used = {node.op for node in graph.node} | {
        node.op for called in graph.library.function for node in called.node_def
    }
    text_ops = {op for op in used if op.startswith(tuple(string.ascii_uppercase)) and "UTF8" in op}
    assert text_ops == {"NormalizeUTF8", "CaseFoldUTF8"}
    assert not {op for op in used if "Py" in op}
