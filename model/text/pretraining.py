"""Trains BERT further on texts, step by step, so that a run that was killed goes on as if it had not been."""

from __future__ import annotations

import dataclasses
import functools
import os

import numpy as np
import tensorflow as tf

from aisle.model.options import PretrainOptions
from aisle.model.text.bert import Tokenizer
from aisle.model.text.masked_language import MaskedLanguageModel, Masking
from aisle.schema.errors import AisleError, InputError

HELD_OUT, MOST_HELD_OUT = 0.02, 2048
"""The share of the texts that only validates, and the most texts."""

_POOL = 50
"""Batches are cut from so many batches' texts, in the order of their lengths."""
_TOKENIZED = 4096


@dataclasses.dataclass(frozen=True)
class Texts:
    """Word pieces of distinct texts, int32 [n, (pieces)]: to learn from, and to validate with.

    Example:
        >>> texts = Texts.of(["red mug", "blue mug", "red mug"], Tokenizer(bert), PretrainOptions())
        >>> int(texts.train.nrows()), int(texts.valid.nrows())
        (1, 1)
    """

    train: tf.RaggedTensor
    valid: tf.RaggedTensor

    @staticmethod
    def of(texts: list[str], tokenizer: Tokenizer, options: PretrainOptions) -> Texts:
        """Tokenises texts and draws those that validate.

        Raises:
            InputError: fewer than two distinct texts have a word.
        """
        unique = sorted(set(texts))
        parts = [
            tokenizer.pieces(tf.constant(unique[start : start + _TOKENIZED]), options.pieces)
            for start in range(0, len(unique), _TOKENIZED)
        ]
        pieces = tf.concat(parts, 0) if parts else tf.ragged.constant([], ragged_rank=1, dtype=tf.int32)
        pieces = tf.ragged.boolean_mask(pieces, pieces.row_lengths() > 0)
        count = int(pieces.nrows())
        if count < 2:
            raise InputError(
                f"no data: pretraining found {count} texts, at least 2 are needed; set pretrain.steps=0"
            )
        order = np.random.default_rng(options.seed).permutation(count)
        held_out = max(1, min(MOST_HELD_OUT, int(HELD_OUT * count)))
        return Texts(
            train=tf.gather(pieces, np.sort(order[held_out:])),
            valid=tf.gather(pieces, np.sort(order[:held_out])),
        )


class LengthBuckets:
    """Which texts each step reads: alike lengths together, every text once a pass, known from the step alone.

    Example:
        >>> buckets = LengthBuckets(np.array([9, 2, 8, 1]), batch=2, seed=1)
        >>> sorted(sorted(buckets.rows(step).tolist()) for step in range(2))
        [[0, 2], [1, 3]]
    """

    def __init__(self, lengths: np.ndarray, batch: int, seed: int) -> None:
        """Args: `lengths`: of the texts, [n]. `batch`: texts a step. `seed`: of the order."""
        self._lengths = lengths
        self._batch = min(batch, len(lengths))
        self._seed = seed
        self._batches = len(lengths) // self._batch
        self._plan = functools.lru_cache(maxsize=1)(self._planned)

    def rows(self, step: int) -> np.ndarray:
        """The texts of a step, int64 [batch]; what is left of a pass is left out of it."""
        number, place = divmod(step, self._batches)
        return self._plan(number)[place]

    def _planned(self, number: int) -> np.ndarray:
        """The batches of a pass, [batches, batch]."""
        rng = np.random.default_rng([self._seed, number])
        order = rng.permutation(len(self._lengths))[: self._batches * self._batch]
        size = _POOL * self._batch
        for start in range(0, len(order), size):
            pool = order[start : start + size]
            order[start : start + size] = pool[np.argsort(self._lengths[pool], kind="stable")]
        return rng.permutation(order.reshape(self._batches, self._batch))


class Pretraining:
    """A training and its checkpoints.

    Example:
        >>> from aisle.model.text.bert import load_bert
        >>> tokenizer, options = Tokenizer(bert), PretrainOptions(steps=5, learning_rate=0.01, masked=0.9, anchor=0.0)
        >>> texts = Texts.of(["red mug", "blue mug", "red lamp"], tokenizer, options)
        >>> model = MaskedLanguageModel(load_bert(bert, layers=1), np.zeros(tokenizer.size))
        >>> training = Pretraining(model, tokenizer, texts, options)
        >>> losses = [training.step(number) for number in range(5)]
        >>> losses[-1] < losses[0]
        True
    """

    def __init__(
        self, model: MaskedLanguageModel, tokenizer: Tokenizer, texts: Texts, options: PretrainOptions
    ) -> None:
        """Prepares the training.

        Args:
            model: whose BERT is trained.
            tokenizer: of the same vocabulary.
            texts: to learn from.
            options: of the training.
        """
        self._model, self._tokenizer, self._texts, self._options = model, tokenizer, texts, options
        self._masking = Masking(tokenizer, options.masked, options.seed)
        self._buckets = LengthBuckets(texts.train.row_lengths().numpy(), options.batch, options.seed)
        self._trained = model.trainable_variables
        bert = model.bert.trainable_variables
        # Variables, not constants: a graph can't hold 100 MB of constants.
        self._anchors = [(weight, tf.Variable(weight, trainable=False)) for weight in bert]
        self._optimizer = tf.keras.optimizers.Adam(schedule(options), global_clipnorm=1.0)
        self._optimizer.build(self._trained)
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._losses = tf.Variable(tf.zeros([options.steps]), trainable=False)
        self._before = tf.Variable(np.nan, dtype=tf.float32, trainable=False)

    def run(self, checkpoints: str, logs: str) -> dict[str, list[float]]:
        """Trains, from the last checkpoint where there is one.

        Args:
            checkpoints: a folder of this training alone: same texts, options and weights.
            logs: TensorBoard's folder.

        Returns:
            `loss` of every step, and `val_loss` before and after all of them.

        Raises:
            AisleError: a loss is not a finite number.
            InputError: a checkpoint can't be read.
        """
        manager = self._restored(checkpoints)
        writer = tf.summary.create_file_writer(logs)
        with writer.as_default():
            if not int(self._step):
                self._before.assign(_finite(self._validate(), "before the first step"))
                tf.summary.scalar("epoch_val_loss", self._before, 0)
            self._steps(manager)
            after = _finite(self._validate(), "after the last step")
            tf.summary.scalar("epoch_val_loss", after, self._options.steps)
        before = float(self._before)
        print(
            f"pretraining: held-out loss of hidden words {before:.3f} before, {after:.3f} after "
            f"{self._options.steps} steps on {self._texts.train.nrows()} texts"
        )
        return {"loss": self._losses.numpy().tolist(), "val_loss": [before, after]}

    def step(self, number: int) -> float:
        """Does one step, counted from 0, and returns the loss of its guesses."""
        pieces = tf.gather(self._texts.train, self._buckets.rows(number))
        return _finite(self._train(pieces, number), f"at step {number + 1}")

    def _steps(self, manager: tf.train.CheckpointManager) -> None:
        """Goes through the steps that are left."""
        for step in range(int(self._step), self._options.steps):
            loss = self.step(step)
            tf.summary.scalar("batch_loss", loss, step)
            self._losses.scatter_nd_update([[step]], [loss])
            self._step.assign_add(1)
            if (step + 1) % self._options.checkpoint_steps == 0:
                manager.save(step + 1)

    def _restored(self, folder: str) -> tf.train.CheckpointManager:
        """The folder's checkpoints, the last of them restored."""
        checkpoint = tf.train.Checkpoint(
            model=self._model,
            optimizer=self._optimizer,
            step=self._step,
            losses=self._losses,
            before=self._before,
        )
        manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2)
        if latest := manager.latest_checkpoint:
            try:
                checkpoint.restore(latest).assert_existing_objects_matched()
            except (tf.errors.OpError, AssertionError, IndexError, ValueError) as error:
                raise InputError(
                    f"the checkpoint {os.path.basename(latest)} in {folder} can't be read "
                    f"({type(error).__name__}); delete this folder to train from the start"
                ) from error
            print(f"pretraining: goes on at step {int(self._step) + 1} of {self._options.steps}")
        return manager

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.int64)])
    def _train(self, pieces: tf.RaggedTensor, number: tf.Tensor) -> tf.Tensor:
        """One step; the loss that is returned is that of the guesses alone."""
        with tf.GradientTape() as tape:
            losses = self._model.losses_of(self._tokenizer.inputs(pieces), self._masking, number)
            loss = tf.math.divide_no_nan(tf.reduce_sum(losses), tf.cast(tf.size(losses), tf.float32))
            total = loss
            if self._options.anchor:
                pulls = [tf.nn.l2_loss(weight - start) for weight, start in self._anchors]
                total += self._options.anchor * tf.add_n(pulls)
        gradients = tape.gradient(total, self._trained)
        self._optimizer.apply_gradients(zip(gradients, self._trained, strict=True))
        return loss

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.int64)])
    def _guess(self, pieces: tf.RaggedTensor, number: tf.Tensor) -> tf.Tensor:
        return self._model.losses_of(self._tokenizer.inputs(pieces), self._masking, number)

    def _validate(self) -> float:
        """The mean loss of the held-out texts, their words hidden the same way each time."""
        valid = self._texts.valid
        order = np.argsort(valid.row_lengths().numpy(), kind="stable")
        # Below zero, where no step is.
        found = [
            self._guess(tf.gather(valid, order[start : start + self._options.batch]), -1 - start).numpy()
            for start in range(0, len(order), self._options.batch)
        ]
        losses = np.concatenate(found)
        return float(losses.mean()) if len(losses) else 0.0


def schedule(options: PretrainOptions) -> tf.keras.optimizers.schedules.LearningRateSchedule:
    """Warms up over a tenth of the steps, then falls to nothing."""
    warmup = max(1, options.steps // 10)
    return tf.keras.optimizers.schedules.CosineDecay(
        options.learning_rate / 10,
        max(1, options.steps - warmup),
        warmup_target=options.learning_rate,
        warmup_steps=warmup,
    )


def _finite(loss: tf.Tensor | float, when: str) -> float:
    """The loss as a number.

    Raises:
        AisleError: it is none: nothing may be exported from such a training.
    """
    value = float(loss)
    if not np.isfinite(value):
        raise AisleError(
            f"the pretraining's loss became {value:g} {when}, and nothing was exported; expected a finite "
            "number: lower pretrain.learning_rate, or check the BERT folder"
        )
    return value
