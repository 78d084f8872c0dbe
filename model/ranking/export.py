"""The exported ranking head: what the bundle and `serving_default` ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from aisle.model.options import RankingOptions
from aisle.model.ranking import explanation
from aisle.model.ranking.calibration import AS_IT_IS, fit_platt, fit_weight, platt
from aisle.model.ranking.head_trial import questions
from aisle.model.ranking.numbers import Ensemble, log_odds
from aisle.model.ranking.reading.text_head import RankingHead
from aisle.model.ranking.rows import INPUT_SPEC, beside, beside_heads, choose, numbers, read_by_heads
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.text.words import Words
from aisle.schema import contract

_CALIBRATED = 256
"""Validation examples that are scored at once."""
_WEIGHED = 8192
"""The same, by numbers alone."""


@dataclasses.dataclass(frozen=True)
class Labels:
    """Which labels the training candidates had, so that the served score is one that was learnt.

    Example:
        >>> from aisle.model.ranking.numbers import FeatureHead
        >>> count, labels = len(CANDIDATE_FEATURES), Labels(search=False, conversion=True)
        >>> heads = Ensemble([FeatureHead(np.zeros([count, 2]))])
        >>> module = RankingModule(heads, None, RankingOptions(), labels, reads_history=False)
        >>> unknown = tf.fill([1, count], np.nan)  # A click is as likely as not, and so is a purchase then.
        >>> module.score_numbers(tf.constant([""]), unknown).numpy().astype(float).round(3).tolist()
        [0.25]
    """

    search: bool
    conversion: bool


@dataclasses.dataclass(frozen=True)
class _Models:
    """The Keras models, out of sight of what saves the module: it would trace every layer's own functions."""

    features: Ensemble
    head: RankingHead | None


class RankingModule(tf.Module):
    """The exported ranking head.

    Example:
        >>> from aisle.model.ranking.numbers import FeatureHead
        >>> heads = Ensemble([FeatureHead(np.zeros([len(CANDIDATE_FEATURES), 2]))])
        >>> labels = Labels(search=False, conversion=False)
        >>> module = RankingModule(heads, None, RankingOptions(), labels, reads_history=False)
        >>> logits = tf.constant([[[0.0, 0.0], [np.log(3.0), 0.0]]])
        >>> module.score(tf.constant([""]), logits).numpy().astype(float).round(3).tolist()
        [[0.5, 0.75]]

    Attributes:
        searches: whether it learnt from queries (bool []); else its score says nothing of one.
        reads_history: whether a recommendation's score needs its texts (bool []).
        calibration: scale and shift of the log odds of recommendations and of searches (float32 [2, 2]).
        beside: the weight of what counts beside the heads, in the log odds of recommendations (float32 []); see `weigh`.
        feedback: the factor by which the cosine with a search's best answers is added to the logit of a click
            (float32 []).
    """

    def __init__(
        self,
        features: Ensemble,
        head: RankingHead | None,
        options: RankingOptions,
        labels: Labels,
        reads_history: bool,
    ) -> None:
        super().__init__()
        self.head_weights = [*features.variables, *(head.variables if head else ())]
        self.searches = tf.Variable(labels.search, trainable=False)
        self.reads_history = tf.Variable(reads_history, trainable=False)
        self.calibration = tf.Variable([AS_IT_IS, AS_IT_IS], trainable=False, dtype=tf.float32)
        self.beside = tf.Variable(0.0, trainable=False)
        self.feedback = tf.Variable(head.feedback if head else 0.0, trainable=False)
        self._models, self._options = _Models(features, head), options
        self._labels = labels
        texts, counts = tf.TensorSpec([None], tf.string), tf.TensorSpec([None, None], tf.int32)
        width = head.reader.width if head else 1
        count = len(CANDIDATE_FEATURES)
        self.score_numbers = tf.function(
            self._score_numbers, input_signature=[texts, tf.TensorSpec([None, count], tf.float32)]
        )
        self.read_query = tf.function(self._read_query, input_signature=[texts, texts])
        self.read_title = tf.function(self._read_title, input_signature=[texts])
        read = [
            tf.TensorSpec([None, None, width], tf.float32),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None, None, None, width], tf.float32),
            counts,
            tf.TensorSpec([None, None, count], tf.float32),
        ]
        self.logits = tf.function(self._logits, input_signature=read)
        self.score = tf.function(
            self._score, input_signature=[texts, tf.TensorSpec([None, None, 2], tf.float32)]
        )
        if head is not None:
            self.tokenizer = head.reader.tokenizer
            self._words = Words(self.tokenizer)
            self.explain_read = tf.function(
                self._explain_read, input_signature=[texts, tf.TensorSpec([None, None], tf.string), *read]
            )
        example = tf.TensorSpec([None], tf.string, name="examples")
        self.serve = tf.function(self._serve, input_signature=[example])

    def _odds(self, query: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """The log odds of what is ranked by: logits [n, 2] to float32 [n]."""
        click, conversion = log_odds(logits)
        # A search is ranked by relevance; a recommendation by what will be bought, where that was learnt.
        return tf.where(query != "", click, conversion) if self._labels.conversion else click

    def _chosen(self, query: tf.Tensor, logits: tf.Tensor, more: tf.Tensor | float = 0.0) -> tf.Tensor:
        """The score of logits [n, 2], and of what counts beside them, [n]: float32 [n]."""
        searched = tf.cast(query != "", tf.int32)
        odds = self._odds(query, logits) + self.beside * more
        return platt(odds, tf.gather(self.calibration, searched))

    def _score_numbers(self, query: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """By numbers alone: string [n] and float32 [n, F] to float32 [n]."""
        return self._chosen(query, self._models.features(read_by_heads(values)), beside_heads(values))

    def _read_query(self, query: tf.Tensor, history_titles: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A query, or a history where it is empty: strings [b] to vectors [b, 1 + Q, width] and counts [b]."""
        return self._read(tf.where(query == "", history_titles, query), self._options.query_pieces)

    def _read_title(self, title: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Titles: string [n] to vectors [n, 1 + P, width] and counts [n]."""
        return self._read(title, self._options.title_pieces)

    def _read(self, text: tf.Tensor, limit: int) -> tuple[tf.Tensor, tf.Tensor]:
        if self._models.head is None:
            return tf.zeros([tf.shape(text)[0], 1, 1]), tf.zeros_like(text, tf.int32)
        return self._models.head.reader(
            self._models.head.reader.tokenizer.pieces(text, limit), training=False
        )

    def _logits(
        self,
        read: tf.Tensor,
        read_count: tf.Tensor,
        title: tf.Tensor,
        title_count: tf.Tensor,
        values: tf.Tensor,
    ) -> tf.Tensor:
        """The logits of candidates whose texts were read: `values` float32 [b, m, F] to float32 [b, m, 2].

        Args:
            read: vectors of `read_query`.
            read_count: how many each has.
            title: vectors of `read_title`, [b, m, L, width].
            title_count: how many each has, [b, m].
            values: in the order of CANDIDATE_FEATURES.
        """
        values = read_by_heads(values)
        if self._models.head is not None:
            return self._models.head.logits(read, read_count, title, title_count, values)
        flat = self._models.features(tf.reshape(values, [-1, values.shape[-1]]))
        return tf.reshape(flat, tf.concat([tf.shape(values)[:2], [2]], 0))

    def _score(self, query: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """The scores of logits: string [b] and float32 [b, m, 2] to float32 [b, m]."""
        shape = tf.shape(logits)[:2]
        flat = self._chosen(tf.repeat(query, shape[1]), tf.reshape(logits, [-1, 2]))
        return tf.reshape(flat, shape)

    def rows_logits(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """The logits of ranking examples, texts read where that is learnt, each text once: float32 [n, 2]."""
        values = numbers(rows)
        alone = self._models.features(values)
        if self._models.head is None:
            return alone
        reading = tf.where((rows["query"] != "") | self.reads_history)[:, 0]
        query, history, title = (
            tf.gather(rows[name], reading) for name in ("query", "history_titles", "title")
        )
        read, read_count = _once(self._read_query, query, history)
        title, count = _once(self._read_title, title)
        logits = self._logits(
            read, read_count, title[:, None], count[:, None], tf.gather(values, reading)[:, None]
        )
        return tf.tensor_scatter_nd_update(alone, reading[:, None], logits[:, 0])

    def _explain_read(
        self,
        query: tf.Tensor,
        titles: tf.Tensor,
        read: tf.Tensor,
        read_count: tf.Tensor,
        title: tf.Tensor,
        title_count: tf.Tensor,
        values: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Why searched candidates score as they do: see `explanation.explain`, and the contract's `parts`.

        Args: as of `logits`, and `titles` string [b, m].
        """
        assert self._models.head is not None
        pieces, options = self._models.head.reader.tokenizer.pieces, self._options
        asked = self._words.spell(pieces(query, options.query_pieces))
        found = self._words.spell(pieces(tf.reshape(titles, [-1]), options.title_pieces))
        texts = (read, read_count, title, title_count)
        return {
            contract.PARTS: tf.constant(explanation.head_parts(self._models.head)),
            **explanation.explain(self._models.head, asked, found, texts, values),
        }

    def _serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores serialized ranking examples."""
        rows = tf.io.parse_example(examples, INPUT_SPEC)
        return {"scores": self._chosen(rows["query"], self.rows_logits(rows), beside(rows))}

    def weigh(self, valid: dict[str, tf.Tensor]) -> None:
        """Fits `beside` to what was taken of recommendations in a window that neither heads nor towers have learnt from.

        Where texts are read of recommendations it stays 0.
        """
        taken = valid["conversion" if self._labels.conversion else "click"].numpy()
        rows = choose(valid, np.flatnonzero((valid["query"].numpy() == b"") & (taken >= 0)))
        if self.reads_history or not len(rows["query"]):
            return
        values = numbers(rows)
        parts = [
            self._odds(rows["query"][at : at + _WEIGHED], self._models.features(values[at : at + _WEIGHED]))
            for at in range(0, len(values), _WEIGHED)
        ]
        odds = np.concatenate([part.numpy() for part in parts]).astype(np.float64)
        more = beside(rows).numpy().astype(np.float64)
        good = rows["conversion" if self._labels.conversion else "click"].numpy() >= 0.5
        self.beside.assign(fit_weight(questions(rows), odds, more, good))
        print(f"beside the head: {float(self.beside):.4f}, of a spread of {more.std():.4f}")

    def calibrate(self, valid: dict[str, tf.Tensor]) -> None:
        """Fits `calibration` to what was observed in validation, searches and recommendations apart.

        Weights by position, grades of judges, lists and averaged heads all leave scores that are good for an order
        alone. A search is fitted to the clicks on what was shown, where there are such.
        """
        searched = valid["query"].numpy() != b""
        click, conversion, clicked = (valid[name].numpy() for name in ("click", "conversion", "clicked"))
        if (searched & (clicked >= 0)).any():
            click = np.where(searched, clicked, click)
        target = np.where(searched | (not self._labels.conversion), click, conversion)
        lines = [AS_IT_IS, AS_IT_IS]
        odds = tf.function(
            lambda rows: self._odds(rows["query"], self.rows_logits(rows)) + self.beside * beside(rows),
            reduce_retracing=True,
        )
        for kind in (0, 1):
            chosen = np.flatnonzero((searched == bool(kind)) & (target >= 0))
            chosen = np.random.default_rng(self._options.seed).permutation(chosen)[: self._options.text_rows]
            parts = [
                odds(
                    {name: tf.gather(valid[name], chosen[start : start + _CALIBRATED]) for name in INPUT_SPEC}
                )
                for start in range(0, len(chosen), _CALIBRATED)
            ]
            if parts:
                lines[kind] = fit_platt(np.concatenate([part.numpy() for part in parts]), target[chosen])
        self.calibration.assign(lines)


def _once(read: Callable[..., tuple[tf.Tensor, tf.Tensor]], *texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What is read of examples' texts, strings [n] each: vectors and counts, though each combination is read once."""
    # With one more, so that there is something to read: BERT fails on no texts at all.
    texts = tuple(tf.concat([text, [""]], 0) for text in texts)
    different, which = tf.unique(tf.strings.reduce_join(tf.stack(texts), 0, separator="\n"))
    first = tf.math.unsorted_segment_min(tf.range(tf.size(which)), which, tf.size(different))
    vectors, counts = read(*(tf.gather(text, first) for text in texts))
    return tf.gather(vectors, which[:-1]), tf.gather(counts, which[:-1])
