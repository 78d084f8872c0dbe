"""Another shop's encoder reads this one's texts where it surely finds better what was taken, and nowhere else."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from aisle.model.gain import LEAST, UNTOLD
from aisle.model.retrieval.domains.encoder import Asked, choose_encoder, encoder_gain
from aisle.model.text.chosen_bert import chosen_bert
from aisle.model.transfer.told import told
from aisle.schema.bert.files import check_bert
from aisle.schema.bert.weights import bert_folder
from tests.model.small_bert import make_small_bert

THINGS = (
    *("kettle", "lamp", "chair", "bicycle", "guitar", "umbrella", "camera", "hammer", "pillow", "carpet", "candle"),
    *("mirror", "ladder", "bucket", "scissors", "blanket", "helmet", "tent", "piano", "drum", "violin", "keyboard"),
    *("printer", "wallet", "necklace", "shovel", "rake", "oven", "toaster", "fridge", "sofa", "desk", "curtain"),
)  # fmt: skip
"""More than LEAST."""


def shop(queries: int, titles: list[str] | None = None) -> dict[str, pl.DataFrame]:
    """One item of each thing, and a search for each of the first few that ended in its click in the validation window."""
    titles = titles or [f"{thing}, for home and garden" for thing in THINGS]
    ids = [f"i{n}" for n in range(len(titles))]
    shown = {
        "query": [THINGS[n] for n in range(queries)],
        "item_id": ids[:queries],
        "click": [1.0] * queries,
        "purchase": [-1.0] * queries,
        "split": ["eval"] * queries,
    }
    text = dict.fromkeys(("query", "item_id", "split"), pl.String)
    took = dict.fromkeys(("user_id", "session_id", "item_id", "split"), pl.String) | {"timestamp": pl.Int64}
    return {
        "items": pl.DataFrame({"item_id": ids, "title": titles}),
        "impressions": pl.DataFrame(
            shown, schema_overrides=text | dict.fromkeys(("click", "purchase"), pl.Float64)
        ),
        "judgements": pl.DataFrame(schema=text | {"grade": pl.Float64}),
        "interactions": pl.DataFrame(schema=took),
    }


@pytest.fixture(scope="module")
def illiterate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A BERT of random weights that knows a dozen words."""
    return make_small_bert(tmp_path_factory.mktemp("small") / "bert")


def test_an_encoder_that_finds_what_was_searched_is_on_and_the_other_way_round_off(illiterate: str) -> None:
    asked = shop(len(THINGS))
    gain = encoder_gain(bert_folder(), illiterate, asked, most_unread=1.0)
    assert gain.on and gain.low > 0.3 and gain.questions == len(THINGS)
    worse = encoder_gain(illiterate, bert_folder(), asked, most_unread=1.0)
    assert not worse.on and worse.gain == pytest.approx(-gain.gain)
    assert not encoder_gain(bert_folder(), bert_folder(), asked, most_unread=1.0).on


def test_one_that_cannot_read_the_titles_is_not_tried(illiterate: str) -> None:
    gain = encoder_gain(illiterate, bert_folder(), shop(len(THINGS)), most_unread=0.3)
    assert not gain.on and gain.questions == 0
    assert gain.why.startswith("it can't read ") and gain.why.endswith(
        "% of the pieces of this shop's titles"
    )


def test_few_questions_leave_a_shop_its_own_unless_that_cannot_read(illiterate: str) -> None:
    few = shop(LEAST - 1)
    assert "are too few" in encoder_gain(bert_folder(), bert_folder(), few, most_unread=0.3).why
    gain = encoder_gain(bert_folder(), illiterate, few, most_unread=0.3)
    assert gain.on and "say nothing to this shop's own" in gain.why


def test_with_nothing_told_the_one_that_reads_more_is_on(illiterate: str) -> None:
    untold = shop(0)
    gain = encoder_gain(bert_folder(), illiterate, untold, most_unread=1.0)
    assert gain.on and gain.why == UNTOLD
    gain = encoder_gain(illiterate, bert_folder(), untold, most_unread=1.0)
    assert not gain.on and gain.why == f"{UNTOLD}, and its own reads more of its titles"


def test_what_is_asked_is_of_validation_and_of_what_was_judged_but_the_test() -> None:
    frames = shop(2)
    shown = [("kettle", "i1", 1.0, "test"), ("lamp", "i0", 0.0, "eval"), ("desk", "i2", 1.0, "train")]
    frames["impressions"] = pl.concat(
        [
            frames["impressions"],
            pl.DataFrame(
                [(query, item, click, -1.0, split) for query, item, click, split in shown],
                schema=frames["impressions"].select("query", "item_id", "click", "purchase", "split").schema,
                orient="row",
            ),
        ]
    )
    judged = [
        ("sofa", "i30", "train", 2.0), ("sofa", "i2", "train", 0.0), ("oven", "i27", "test", 2.0), ("rake", "i9", "eval", 0.0),
    ]  # fmt: skip
    frames["judgements"] = pl.DataFrame(judged, schema=["query", "item_id", "split", "grade"], orient="row")
    took = [
        ("ann", "s1", "i3", "eval", 1), ("ann", "s1", "i4", "eval", 2), ("bob", "s2", "i5", "eval", 1), ("cid", "s3", "i6", "train", 1),
        ("cid", "s3", "i7", "train", 2),
    ]  # fmt: skip
    frames["interactions"] = pl.DataFrame(
        took, schema=["user_id", "session_id", "item_id", "split", "timestamp"], orient="row"
    )
    asked = Asked.of(frames)
    wanted = {(asked.queries[query], asked.titles[row].split(",")[0]) for query, row in asked.wanted}
    assert wanted == {("kettle", "kettle"), ("lamp", "lamp"), ("sofa", "sofa")}
    assert [[asked.titles[row].split(",")[0] for row in pair] for pair in asked.visits[:, :2]] == [
        ["bicycle", "guitar"]
    ]
    assert asked.count == 4


class Directions:
    """An encoder whose vectors are told."""

    def __init__(self, items: list[list[float]], queries: list[list[float]]) -> None:
        self._items, self._queries = np.array(items, np.float32), np.array(queries, np.float32)

    def encode_items(self, titles: tf.Tensor, descriptions: tf.Tensor) -> tf.Tensor:
        return tf.constant(self._items)

    def encode(self, texts: tf.Tensor) -> tf.Tensor:
        return tf.constant(self._queries)


def test_a_question_is_worth_the_places_of_what_was_taken() -> None:
    encoder: Any = Directions([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [0.0, 1.0]], [[1.0, 0.0]])
    visits = np.array([[0, 1, 0], [0, 3, 0], [3, 2, 1]])
    asked = Asked([""] * 4, [""] * 4, ["query"], np.array([[0, 0], [0, 2]]), visits)
    # The query's items are first and third; of the first visitor's next ones one is nearest and one last of three.
    query = (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    np.testing.assert_allclose(asked.found(encoder), [query, (1 + 1 / np.log2(4)) / 2, 1.0], rtol=1e-6)
    # Where all are alike nothing is found: each has the middle place.
    alike: Any = Directions([[1.0, 0.0]] * 4, [[1.0, 0.0]])
    np.testing.assert_allclose(asked.found(alike)[0], 2 / np.log2(1.5 + 2) / (1 + 1 / np.log2(3)), rtol=1e-6)


def test_the_folder_holds_an_encoder_only_where_it_is_on(tmp_path: pathlib.Path, illiterate: str) -> None:
    tables = {name: frame.to_arrow() for name, frame in shop(LEAST - 1).items()}
    choose_encoder(bert_folder(), "", illiterate, tables, 0.3, str(tmp_path / "on"))
    assert told(str(tmp_path / "on"))[0].on
    check_bert(str(tmp_path / "on"))
    assert chosen_bert(illiterate, str(tmp_path / "on")) == str(tmp_path / "on")
    choose_encoder("", "both read with the same one", illiterate, tables, 0.3, str(tmp_path / "off"))
    (gain,) = told(str(tmp_path / "off"))
    assert (gain.part, gain.on, gain.why) == ("encoder", False, "both read with the same one")
    assert chosen_bert(illiterate, str(tmp_path / "off")) == illiterate
