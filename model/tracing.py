"""What AutoGraph leaves as it is when a graph is traced; imported for this by what traces.

TensorFlow's own list has the package `keras`. Keras 2 goes by `tf_keras` now, and so was rewritten function by function,
and Transformers with it, in each process anew: several times the rest of a trace. Neither's code depends on AutoGraph.
"""

from __future__ import annotations

from tensorflow.python.autograph.core import config

_LEFT = ("tf_keras", "transformers")

config.CONVERSION_RULES = (*map(config.DoNotConvert, _LEFT), *config.CONVERSION_RULES)
