"""Adam whose step costs what the batch touches, not what the tables hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf


class LazyAdam(tf.keras.optimizers.Adam):
    """Adam that moves only the rows of a table that have a gradient, and runs as one fused op elsewhere.

    Keras' Adam decays the moments of every row of an embedding table and moves every row at each step: time and
    memory traffic grow with the catalogue. Here a row that isn't touched keeps its value and its moments, as in the
    sparse Adam of PyTorch and the LazyAdam of TensorFlow Addons; the bias correction counts all steps.

    Source of Adam: Kingma and Ba, ICLR 2015.

    Example:
        >>> table = tf.Variable([[1.0], [1.0], [1.0]])
        >>> optimizer = LazyAdam(0.5)
        >>> optimizer.build([table])
        >>> gradient = tf.IndexedSlices(tf.constant([[2.0]]), tf.constant([1]), tf.constant([3, 1]))
        >>> _ = optimizer.apply_gradients([(gradient, table)])
        >>> table.numpy().astype(float).round(3).tolist()
        [[1.0], [0.5], [1.0]]
    """

    def __init__(
        self, learning_rate: float = 0.001, shares: Mapping[str, float] | None = None, **given: Any
    ) -> None:
        """Args: `shares`: of the learning rate, of the variables whose names hold a name; 1 for all others."""
        super().__init__(learning_rate, **given)
        self._shares = dict(shares or {})

    def update_step(self, gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> None:
        """Moves a variable by its gradient; a sparse gradient has each row at most once."""
        place = self._index_dict[self._var_key(variable)]
        first, second = self._momentums[place], self._velocities[place]
        share = next((share for name, share in self._shares.items() if name in variable.name), 1.0)
        rate = share * tf.cast(self.learning_rate, variable.dtype)
        step = tf.cast(self.iterations + 1, variable.dtype)
        powers = tf.pow(self.beta_1, step), tf.pow(self.beta_2, step)
        if isinstance(gradient, tf.IndexedSlices):
            self._move_rows(
                gradient, variable, first, second, rate * tf.sqrt(1 - powers[1]) / (1 - powers[0])
            )
            return
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=first.handle,
            v=second.handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def _move_rows(
        self,
        gradient: tf.IndexedSlices,
        variable: tf.Variable,
        first: tf.Variable,
        second: tf.Variable,
        rate: tf.Tensor,
    ) -> None:
        rows, values = gradient.indices, gradient.values
        mean = self.beta_1 * tf.gather(first, rows) + (1 - self.beta_1) * values
        square = self.beta_2 * tf.gather(second, rows) + (1 - self.beta_2) * tf.square(values)
        first.scatter_update(tf.IndexedSlices(mean, rows))
        second.scatter_update(tf.IndexedSlices(square, rows))
        variable.scatter_sub(tf.IndexedSlices(rate * mean / (tf.sqrt(square) + self.epsilon), rows))
