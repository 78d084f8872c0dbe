"""The search benchmark's figures, by hand, and that no query is tested by a model that learnt it."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from aisle.model.options import PretrainOptions
from aisle.schema.bert.weights import BERT_VARIABLE, bert_folder
from tests.model.small_bert import make_small_bert

NAMES = [f"mug {n * n * 7919} of {n}" for n in range(40)]


@pytest.fixture
def searches() -> Any:
    from benchmarks.search import judged_searches

    return judged_searches


def shop(module: Any) -> Any:
    grades = np.array([[4.0, 2.0, 1.0, 0.0], [0.0, 3.0, 0.0, 1.0]])
    return module.Searches(["mug", "lamp"], list("abcd"), ["a", "b", "c", "d"], [""] * 4, grades)


def test_judged_full_and_recall_by_hand(searches: Any) -> None:
    scores = np.array([[0.1, 0.9, 0.5, 0.8], [0.4, 0.3, 0.2, 0.1]])
    answers = np.array([[1, 3, 0, 2], [0, 2, -1, -1]])
    found = searches.Answered.by_scores(shop(searches), scores, answers)
    # Gains 7, 1 and 0: judged alone the second comes first, then the third, then the first.
    best = 7 + 1 / np.log2(3)
    np.testing.assert_allclose(found.judged[0], (1 + 0 + 7 / np.log2(4)) / best)
    # Of all, an unjudged item stands between them.
    np.testing.assert_allclose(found.full[0], (1 + 7 / np.log2(4)) / best)
    np.testing.assert_allclose(found.judged[1], 1.0)
    assert found.full[1] == 0.0
    # Only the first query has an item of grade 4, and it is among the answers.
    np.testing.assert_array_equal(found.recall, [1.0, np.nan])


def test_fusion_adds_the_inverse_ranks(searches: Any) -> None:
    fused = searches.reciprocal_rank_fusion(np.array([[3.0, 2.0, 1.0]]), np.array([[0.0, 5.0, 1.0]]))
    np.testing.assert_allclose(fused, [[1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62]])


def test_titles_of_the_same_words_are_counted_as_alike_whatever_their_numbers(searches: Any) -> None:
    titles = ["Red mug, 2 pack", "red mug 12 (pack)", "mug red pack", "red mug pack"]
    # The first, second and fourth say the same. Pairs: one of the first query, three of the second.
    grades = np.array([[4.0, 2.0, 2.0, 0.0], [1.0, 1.0, 0.0, 3.0]])
    found = searches.Disagreement.of(searches.Searches(["a", "b"], list("abcd"), titles, [""] * 4, grades))
    assert found == searches.Disagreement(pairs=4, alike=3 / 4, any=4 / 6)


def test_every_query_is_in_one_fold_and_folds_are_even(searches: Any) -> None:
    many = searches.Searches([str(n) for n in range(135)], [], [], [], np.zeros([135, 0]))
    fold = many.folds(5, seed=0)
    assert np.bincount(fold).tolist() == [27] * 5


@pytest.mark.parametrize(
    ("word", "stem"), [("mugs", "mug"), ("ponies", "pony"), ("glass", "glass"), ("tie", "tie")]
)
def test_words_are_stemmed_by_their_s(searches: Any, word: str, stem: str) -> None:
    assert searches._stemmed(word) == stem


def test_the_tested_queries_train_and_validate_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import polars as pl

    from aisle.components.labeler.label import label
    from aisle.components.labeler.options import LabelerOptions
    from benchmarks.search import search_models

    items = pl.DataFrame({"item_id": ["a", "b"], "title": ["a mug", "a lamp"]}).to_arrow()
    rows = [(NAMES[n], item, grade) for n in range(40) for item, grade in (("a", 4.0), ("b", 1.0))]
    judged = pl.DataFrame(rows, schema=["query", "item_id", "grade"], orient="row").to_arrow()
    labelled = label({"items": items, "judgements": judged}, LabelerOptions())
    tested = [NAMES[3], NAMES[7]]
    learnt = search_models._without(labelled, tested, seed=1)
    split = dict(
        pl.DataFrame(pl.from_arrow(learnt.tables["judgements"])).select("query", "split").unique().iter_rows()
    )
    assert {query for query, name in split.items() if name == "test"} == set(tested)
    assert sum(name == "eval" for name in split.values()) == 3
    examples = {
        query for name in ("train", "eval") for (query,) in learnt.examples[name]["query"].to_pylist()
    }
    assert examples == set(split) - set(tested)


def test_a_pretrained_variant_reads_by_a_bert_of_its_own_and_leaves_the_others_theirs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    from benchmarks.search import search_models
    from benchmarks.search.judged_searches import Searches

    came = make_small_bert(tmp_path / "came", layers=1)
    monkeypatch.setenv(BERT_VARIABLE, came)
    texts = [f"{colour} mug {number}" for colour in ("red", "blue") for number in range(20)]
    searches = Searches([], [], texts, [""] * len(texts), np.zeros([0, len(texts)]))
    pretrained = search_models.Variant("pretrained", pretraining=PretrainOptions(steps=2, pieces=8))
    with search_models._started_from(pretrained, searches, tmp_path) as own:
        read = bert_folder()
    assert bert_folder() == came
    assert own != tmp_path and pathlib.Path(read).is_relative_to(own)
    before, after = (load_file(f"{folder}/model.safetensors") for folder in (came, read))
    assert any(np.abs(after[name] - values).max() > 0 for name, values in before.items())
    with search_models._started_from(search_models.Variant("as it came"), searches, tmp_path) as shared:
        assert (shared, bert_folder()) == (tmp_path, came)
