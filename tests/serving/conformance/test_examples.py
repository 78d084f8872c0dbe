"""Serialized examples as TF Serving answers them, and bad ones in a batch."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf


def example(**features: Any) -> bytes:
    """A serialized tf.Example of one-valued features."""
    message = tf.train.Example()
    for name, value in features.items():
        kind = {float: "float_list", int: "int64_list", bytes: "bytes_list"}[type(value)]
        getattr(message.features.feature[name], kind).value.append(value)
    return message.SerializeToString()


def test_each_example_has_a_score(asking: Any) -> None:
    response = asking.predict("", {"examples": [example(price=0.25), example()]})
    assert tf.make_ndarray(response.outputs["scores"]).tolist() == [0.25, 0.0]


@pytest.mark.parametrize("bad", [b"\xff no example", example(price=b"0.75")])
def test_a_bad_example_of_a_prediction_is_named(asking: Any, real: bool, bad: bytes) -> None:
    examples = [example(price=0.25), example(), bad, bad]
    code, details = asking.refused(asking.predict, "", {"examples": examples})
    assert code == "INVALID_ARGUMENT"
    assert real or "example 2 of 4" in details
