"""What the served model asks of an exported ranking head, loaded or made for a test."""

from __future__ import annotations

from typing import Protocol

import tensorflow as tf


class Ranker(Protocol):
    """A RankingModule; see there for the attributes.

    Example:
        >>> from aisle.model.options import RankingOptions
        >>> from aisle.model.ranking.export import Labels, RankingModule
        >>> from aisle.model.ranking.numbers import Ensemble
        >>> ranker: Ranker = RankingModule(Ensemble([]), None, RankingOptions(), Labels(False, False), False)
        >>> bool(ranker.searches)  # The served model leaves searches in the order of the sources.
        False
    """

    searches: tf.Variable
    reads_history: tf.Variable
    calibration: tf.Variable
    feedback: tf.Variable
    beside: tf.Variable

    def score_numbers(self, query: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """By numbers alone: string [n] and float32 [n, F] to float32 [n]."""

    def read_query(self, query: tf.Tensor, history_titles: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A query, or a history where it is empty: strings [b] to vectors [b, Q, width] and counts [b]."""

    def read_title(self, title: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Titles: string [n] to vectors [n, P, width] and counts [n]."""

    def logits(
        self,
        read: tf.Tensor,
        read_count: tf.Tensor,
        title: tf.Tensor,
        title_count: tf.Tensor,
        values: tf.Tensor,
    ) -> tf.Tensor:
        """The logits of click and conversion of candidates whose texts were read: float32 [b, m, 2]."""

    def score(self, query: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """The scores of logits: string [b] and float32 [b, m, 2] to float32 [b, m]."""

    def explain_read(self, query: tf.Tensor, titles: tf.Tensor, *read: tf.Tensor) -> dict[str, tf.Tensor]:
        """Why searched candidates score as they do; `read` are the arguments of `logits`."""

    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores serialized ranking examples."""
