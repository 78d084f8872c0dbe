"""The order of a shop of which nothing is told, and the queries that its titles stand for."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from aisle.components.labeler.label import label
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.summary import summarise
from aisle.components.reports.labels import headline
from aisle.model.options import RankingOptions
from aisle.model.ranking.export import Labels, RankingModule
from aisle.model.ranking.taught_head import UntoldHead
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.schema.errors import InputError

NAMES = [feature.name for feature in CANDIDATE_FEATURES]


def numbers(**values: float) -> list[float]:
    """A candidate's numbers; all others are unknown."""
    return [values.get(name, np.nan) for name in NAMES]


def test_what_goes_with_the_visit_leads_and_what_sells_decides_between_equals() -> None:
    module = RankingModule(UntoldHead(), None, RankingOptions(), Labels(False, False), False)
    rows = [
        numbers(latest_basket=0.3),
        numbers(latest_basket=0.1, popularity=1.0),
        numbers(baskets=0.3),
        numbers(popularity=1.0),
        numbers(popularity=0.5),
        numbers(),
    ]
    scores = module.score_numbers(tf.fill([len(rows)], ""), tf.constant(rows, tf.float32)).numpy()
    assert np.isfinite(scores).all() and (np.diff(scores) < 0).all()
    assert not module.searches  # A search is answered by texts, in the order of what finds it.


def titled(count: int) -> dict[str, object]:
    items = {"item_id": [f"i{n}" for n in range(count)], "title": [f"Mug number {n}" for n in range(count)]}
    return {"items": pl.DataFrame(items).to_arrow()}


def test_titles_train_and_validate_the_towers_and_test_nothing() -> None:
    labelled = label(titled(40), LabelerOptions(titles=True))  # type: ignore[arg-type]
    found = {
        split: list(zip(table["query"].to_pylist(), table["targets"].to_pylist(), strict=True))
        for split, table in labelled.examples.items()
        if split != "items"
    }
    assert found.keys() == {"train", "eval"} and len(found["train"]) > len(found["eval"]) > 0
    assert sorted(found["train"] + found["eval"]) == sorted(
        ([f"Mug number {n}"], [f"i{n}"]) for n in range(40)
    )
    said = headline(summarise(labelled, LabelerOptions(titles=True)))
    assert said == "no events and no judgements: titles stand for queries"
    assert labelled.tables["judgements"].num_rows == labelled.tables["interactions"].num_rows == 0


def test_without_another_shop_or_with_few_titles_there_is_too_little_to_learn_from() -> None:
    with pytest.raises(InputError, match="of the judged queries the train split holds 0"):
        label(titled(40), LabelerOptions())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the items have 5 different titles, and at least 11 are needed"):
        label(titled(5), LabelerOptions(titles=True))  # type: ignore[arg-type]
