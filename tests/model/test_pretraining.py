"""Pretraining: what it reads and when, that it learns, and that a killed run ends as an undisturbed one."""

from __future__ import annotations

import itertools
import json
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from aisle.model.options import PretrainOptions
from aisle.model.pretrain import pretrain_fn
from aisle.model.text.bert import SentenceEncoder, Tokenizer
from aisle.model.text.pretraining import LengthBuckets, Texts
from aisle.schema.bert.files import check_bert
from aisle.schema.errors import AisleError, InputError
from tests.model.small_bert import make_small_bert

PAIRS = ("red mug", "blue fridge", "mini lamp")
TEXTS = [" ".join(pairs) for count in range(1, 5) for pairs in itertools.product(PAIRS, repeat=count)]
"""Of each pair, either word tells the other."""
OPTIONS = PretrainOptions(steps=12, batch=8, learning_rate=1e-2, pieces=8, checkpoint_steps=4, anchor=0.01)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_small_bert(tmp_path_factory.mktemp("bert"), layers=1)


def pretrained(
    bert: str, place: pathlib.Path, options: PretrainOptions, texts: list[str] = TEXTS
) -> dict[str, np.ndarray]:
    """The weights after a training that keeps everything under `place`."""
    folders = [str(place / name) for name in ("checkpoints", "model", "logs")]
    pretrain_fn(texts, bert, options.to_json(), "1", *folders)
    return load_file(place / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def undisturbed(
    bert: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[pathlib.Path, dict[str, np.ndarray]]:
    place = tmp_path_factory.mktemp("undisturbed")
    return place, pretrained(bert, place, OPTIONS)


def assert_equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        # Threads add in any order: the last bits differ, by far less than a step that was left out or done twice.
        np.testing.assert_allclose(values, other[name], rtol=0, atol=1e-5, err_msg=name)


@settings(max_examples=50)
@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=300),
    batch=st.integers(1, 40),
    passes=st.integers(1, 3),
)
def test_every_pass_reads_every_text_once_but_for_less_than_a_batch(
    lengths: list[int], batch: int, passes: int
) -> None:
    buckets = LengthBuckets(np.array(lengths), batch, seed=1)
    size = min(batch, len(lengths))
    steps = len(lengths) // size
    for number in range(passes):
        rows = np.concatenate([buckets.rows(number * steps + step) for step in range(steps)])
        assert len(set(rows.tolist())) == len(rows) == steps * size > len(lengths) - size


def test_batches_hold_alike_lengths_in_an_order_of_chance() -> None:
    lengths = np.random.default_rng(0).integers(1, 65, 1000)
    buckets = LengthBuckets(lengths, 16, seed=1)
    batches = [lengths[buckets.rows(step)] for step in range(62)]
    padded = sum(len(batch) * batch.max() for batch in batches)
    assert padded < 1.06 * sum(batch.sum() for batch in batches)
    means = [batch.mean() for batch in batches]
    assert abs(np.corrcoef(means, range(62))[0, 1]) < 0.4


def test_a_step_reads_the_same_whichever_was_read_before() -> None:
    lengths = np.arange(1, 101)
    one, other = LengthBuckets(lengths, 7, seed=1), LengthBuckets(lengths, 7, seed=1)
    forward = [one.rows(step).tolist() for step in range(40)]
    assert [other.rows(step).tolist() for step in reversed(range(40))] == forward[::-1]


def test_2_in_100_texts_only_validate_and_texts_count_once(bert: str) -> None:
    texts = Texts.of([*TEXTS, *TEXTS, "", "   "], Tokenizer(bert), OPTIONS)
    assert (texts.train.nrows(), texts.valid.nrows()) == (len(TEXTS) - 2, 2)
    rows = {tuple(row) for row in [*texts.train.to_list(), *texts.valid.to_list()]}
    assert len(rows) == len(TEXTS) == 120


@pytest.mark.parametrize("texts", [[], ["red mug"], ["red mug", "red mug", ""]])
def test_too_few_texts_are_told(bert: str, tmp_path: pathlib.Path, texts: list[str]) -> None:
    with pytest.raises(InputError, match="no data: pretraining found"):
        pretrained(bert, tmp_path, OPTIONS, texts)


def test_it_learns_which_words_go_together(bert: str, tmp_path: pathlib.Path) -> None:
    pretrained(bert, tmp_path, OPTIONS.model_copy(update={"steps": 200, "batch": 32, "anchor": 0.0}))
    before, after = json.loads((tmp_path / "logs" / "history.json").read_text(encoding="utf-8"))["val_loss"]
    # Of six words, each as frequent: who knows the frequencies alone loses log 6 a guess, 1.79.
    assert before > 1.6
    assert after < 0.7 * before


def test_more_pieces_than_the_bert_reads_are_refused(bert: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="pretrain.pieces=63 is wrong: this BERT reads at most 62"):
        pretrained(bert, tmp_path, OPTIONS.model_copy(update={"pieces": 63}))


def test_it_leaves_a_bert_that_others_can_read(
    bert: str, undisturbed: tuple[pathlib.Path, dict[str, np.ndarray]]
) -> None:
    place, weights = undisturbed
    check_bert(str(place / "model"))
    curves = json.loads((place / "logs" / "history.json").read_text(encoding="utf-8"))
    assert len(curves["loss"]) == OPTIONS.steps
    assert len(curves["val_loss"]) == 2
    assert any(path.name.startswith("events.out") for path in (place / "logs").iterdir())
    assert not list((place / "checkpoints").iterdir())
    before = load_file(pathlib.Path(bert) / "model.safetensors")
    assert before.keys() == weights.keys()
    assert any((before[name] != weights[name]).any() for name in before)
    assert SentenceEncoder(str(place / "model"))(tf.constant(["red mug"])).shape == (1, 16)


def test_the_anchor_keeps_the_weights_near(
    bert: str, tmp_path: pathlib.Path, undisturbed: tuple[pathlib.Path, dict[str, np.ndarray]]
) -> None:
    before = load_file(pathlib.Path(bert) / "model.safetensors")

    def moved(after: dict[str, np.ndarray]) -> float:
        return float(np.sqrt(sum(np.square(after[name] - before[name]).sum() for name in before)))

    held = pretrained(bert, tmp_path, OPTIONS.model_copy(update={"anchor": 1000 * OPTIONS.anchor}))
    assert 0.0 < moved(held) < 0.6 * moved(undisturbed[1])


_KILLED = """
import json, os, signal, sys
import aisle.model.pretrain as entry
from aisle.model.text import pretraining

texts, bert, options, place, at = json.loads(sys.argv[1])
step = pretraining.Pretraining.step

def dies(self, number):
    if number == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, number)

pretraining.Pretraining.step = dies
entry.pretrain_fn(texts, bert, options, "1", place + "/checkpoints", place + "/model", place + "/logs")
"""


@pytest.fixture(scope="module")
def of_the_killed(bert: str, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """What a run left that was killed in the 11th of 12 steps, with a checkpoint every 4."""
    place = tmp_path_factory.mktemp("killed")
    argument = json.dumps([TEXTS, bert, OPTIONS.to_json(), str(place), 10])
    done = subprocess.run([sys.executable, "-c", _KILLED, argument], check=False, timeout=500)
    assert done.returncode == -signal.SIGKILL
    assert not (place / "model").exists()
    return place


@pytest.fixture
def killed(of_the_killed: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of it to go on from: a checkpoint is told apart by texts, settings and weights, not by its place."""
    return pathlib.Path(shutil.copytree(of_the_killed, tmp_path, dirs_exist_ok=True))


def test_a_killed_run_goes_on_and_ends_with_the_same_weights(
    bert: str,
    killed: pathlib.Path,
    undisturbed: tuple[pathlib.Path, dict[str, np.ndarray]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    weights = pretrained(bert, killed, OPTIONS)
    assert "goes on at step 9 of 12" in capsys.readouterr().out
    assert_equal(weights, undisturbed[1])
    curves = [
        json.loads((place / "logs" / "history.json").read_text(encoding="utf-8"))
        for place in (killed, undisturbed[0])
    ]
    # The means over the held-out texts are summed by several threads, in no fixed order.
    assert curves[0] == {name: pytest.approx(curve, rel=1e-6) for name, curve in curves[1].items()}


def test_a_checkpoint_of_other_texts_or_settings_is_not_gone_on_from(
    bert: str, killed: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pretrained(bert, killed, OPTIONS.model_copy(update={"seed": 2}))
    assert "goes on" not in capsys.readouterr().out
    assert not list((killed / "checkpoints").iterdir())


def test_a_damaged_checkpoint_is_named(bert: str, killed: pathlib.Path) -> None:
    (folder,) = (killed / "checkpoints").iterdir()
    for path in folder.glob("ckpt-8.data*"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"the checkpoint ckpt-8 in .* can't be read .*delete this folder"):
        pretrained(bert, killed, OPTIONS)
    assert not (killed / "model").exists()


def test_a_loss_that_is_no_number_ends_it_and_nothing_is_exported(
    bert: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aisle.model.text.masked_language import MaskedLanguageModel

    losses_of = MaskedLanguageModel.losses_of

    def broken(self: MaskedLanguageModel, inputs: dict, masking: object, number: tf.Tensor) -> tf.Tensor:
        losses = losses_of(self, inputs, masking, number)
        return losses + tf.where(tf.equal(number, 5), np.nan, 0.0)

    monkeypatch.setattr(MaskedLanguageModel, "losses_of", broken)
    with pytest.raises(AisleError, match="nan at step 6"):
        pretrained(bert, tmp_path, OPTIONS)
    assert not (tmp_path / "model").exists()
