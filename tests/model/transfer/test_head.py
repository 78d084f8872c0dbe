"""A ranking head begins with another shop's where that surely orders what this shop's users took better."""

from __future__ import annotations

import pathlib
import types

import numpy as np
import pytest
import tensorflow as tf

from aisle.model import train_ranking
from aisle.model.options import RankingOptions
from aisle.model.ranking.features_trainer import train_features
from aisle.model.ranking.head_trial import ENOUGH, head_gain
from aisle.model.ranking.numbers import FeatureHead
from aisle.model.ranking.taught_head import NUMBERS
from aisle.model.transfer.taught import HeadWeights, Taught
from aisle.model.transfer.told import told

OPTIONS = RankingOptions(members=1, feature_epochs=1, width=8, bins=2, seed=2)
"""By the seed, a head that has learnt next to nothing is neither in the right order nor in the opposite one."""


def theirs(sign: float) -> HeadWeights:
    """A head that says: the more (or, below 0, the less) of `tags`, the sooner it is bought."""
    head = FeatureHead(np.tile([0.0, 1.0], (len(NUMBERS), 1)), width=4)
    head(tf.zeros([1, len(NUMBERS)]))
    weights = [np.zeros_like(part) for part in head.get_weights()]
    first, _, second, _, last, _ = weights
    first[NUMBERS.index("tags"), 0] = second[0, 0] = 3.0
    last[0, :] = sign
    return HeadWeights(NUMBERS, head.edges, [weights])


def asked(questions: int, seed: int) -> dict[str, tf.Tensor]:
    """Questions of four candidates each, of which the one with the most `tags` was bought."""
    random = np.random.default_rng(seed)
    tags = random.random((questions, 4)).astype(np.float32)
    bought = (tags == tags.max(1, keepdims=True)).ravel().astype(np.float32)
    many = 4 * questions
    unknown, one = tf.fill([many], -1.0), tf.ones([many])
    names = np.repeat([f"{seed}-{number}".encode() for number in range(questions)], 4)
    texts = {"query": tf.fill([many], ""), "history_titles": tf.constant(names), "title": tf.fill([many], "")}
    numbers = {name: tf.fill([many], np.float32(np.nan)) for name in NUMBERS}
    labels = {"click": unknown, "clicked": unknown, "conversion": tf.constant(bought), "weight": one}
    return {**texts, **numbers, "tags": tf.constant(tags.ravel()), **labels}


@pytest.mark.parametrize(("sign", "on"), [(0.5, True), (-0.5, False)])
def test_it_is_on_where_it_says_what_is_bought_and_off_where_it_misleads(sign: float, on: bool) -> None:
    gain = head_gain(asked(12, 1), asked(ENOUGH, 2), OPTIONS, theirs(sign))
    assert gain.on == on and gain.questions == ENOUGH
    assert (gain.gain > 0.05) == on and (gain.low > 0) == on


def test_a_head_that_learns_nothing_better_stays_as_it_began(tmp_path: pathlib.Path) -> None:
    # Of what is learnt from nothing was bought, and of what validates everything.
    learnt, valid = (
        {**rows, "conversion": tf.fill(tf.shape(rows["conversion"]), bought)}
        for rows, bought in ((asked(12, 1), 0.0), (asked(40, 2), 1.0))
    )
    (head,) = train_features(learnt, valid, OPTIONS, str(tmp_path), theirs(0.5)).heads
    for began, ended in zip(theirs(0.5).members[0], head.get_weights(), strict=True):
        np.testing.assert_array_equal(began, ended)


def written(rows: dict[str, tf.Tensor], folder: pathlib.Path) -> list[str]:
    """Ranking examples in a file, as Candidates leaves them; returns its pattern."""
    folder.mkdir()
    columns = {name: values.numpy() for name, values in rows.items()}
    with tf.io.TFRecordWriter(str(folder / "rows.gz"), "GZIP") as file:
        for place in range(len(columns["query"])):
            features = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[values[place]]))
                if values.dtype == object
                else tf.train.Feature(float_list=tf.train.FloatList(value=[values[place]]))
                for name, values in columns.items()
            }
            file.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return [str(folder / "*.gz")]


def test_the_trainer_begins_with_it_says_what_it_won_and_teaches_on(tmp_path: pathlib.Path) -> None:
    Taught(theirs(0.5), None).write(str(tmp_path / "big"))
    options = OPTIONS.model_copy(update={"text": "never"})
    taught = str(tmp_path / "big" / "assets.extra" / "taught.npz")
    model = tmp_path / "model"
    train_ranking.run_fn(
        types.SimpleNamespace(  # type: ignore[arg-type]
            train_files=written(asked(12, 1), tmp_path / "train"),
            eval_files=written(asked(ENOUGH, 2), tmp_path / "eval"),
            serving_model_dir=str(model),
            model_run_dir=str(tmp_path / "run"),
            custom_config={"options": options.to_json(), "bert": "", "taught": taught},
            base_model=None,
        )
    )
    (gain,) = told(str(model))
    assert gain.part == "head" and gain.on
    on_from_there = Taught.read(str(model / "assets.extra" / "taught.npz")).head
    assert on_from_there is not None and on_from_there.width == 4
    loaded = tf.saved_model.load(str(model))
    values = np.full((2, len(NUMBERS)), np.nan, np.float32)
    values[:, NUMBERS.index("tags")] = [0.1, 0.9]
    few, many = loaded.score_numbers(tf.constant(["", ""]), tf.constant(values)).numpy()
    assert many > few
