"""Classify and Regress as TF Serving answers them, and bad examples in a batch."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, input_pb2, regression_pb2


def example(**features: Any) -> Any:
    """A tf.Example of one-valued features."""
    message = tf.train.Example()
    for name, value in features.items():
        kind = {float: "float_list", int: "int64_list", bytes: "bytes_list"}[type(value)]
        getattr(message.features.feature[name], kind).value.append(value)
    return message


GOOD = [example(price=0.25), example(), example(price=0.75)]
BAD = [example(price=0.25), example(price=b"0.75"), example(price=1.0)]


def given(examples: list[Any], context: Any = None) -> Any:
    """The Input of a request."""
    if context is None:
        return input_pb2.Input(example_list=input_pb2.ExampleList(examples=examples))
    shared = input_pb2.ExampleListWithContext(examples=examples, context=context)
    return input_pb2.Input(example_list_with_context=shared)


def classify(asking: Any, asked: Any, signature: str = "classify", **spec: Any) -> Any:
    request = classification_pb2.ClassificationRequest(input=asked)
    asking.fill_spec(request.model_spec, signature=signature, **spec)
    return asking.prediction.Classify(request, timeout=300)


def regress(asking: Any, asked: Any, signature: str = "regress", **spec: Any) -> Any:
    request = regression_pb2.RegressionRequest(input=asked)
    asking.fill_spec(request.model_spec, signature=signature, **spec)
    return asking.prediction.Regress(request, timeout=300)


def test_each_example_is_classified(asking: Any) -> None:
    response = classify(asking, given(GOOD))
    rows = [[(found.label, found.score) for found in row.classes] for row in response.result.classifications]
    assert rows == [
        [("dear", 0.25), ("cheap", 0.75)],
        [("dear", 0), ("cheap", 1)],
        [("dear", 0.75), ("cheap", 0.25)],
    ]
    assert response.model_spec.signature_name == "classify"
    assert response.model_spec.version.value == 10


def test_each_example_has_a_value(asking: Any) -> None:
    response = regress(asking, given(GOOD), label="stable")
    assert [regression.value for regression in response.result.regressions] == [0.5, 0.0, 1.5]
    assert response.model_spec.version.value == 9


def test_what_examples_share_is_theirs_unless_they_say_otherwise(asking: Any) -> None:
    response = regress(asking, given(GOOD, context=example(price=0.5)))
    assert [regression.value for regression in response.result.regressions] == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("ask", [classify, regress])
@pytest.mark.parametrize(
    ("spec", "expected", "named"),
    [
        ({"signature": "serving_default"}, "INVALID_ARGUMENT", "tensorflow/serving/predict"),
        ({"signature": ""}, "INVALID_ARGUMENT", "tensorflow/serving/predict"),
        ({"signature": "find"}, "INVALID_ARGUMENT", "No signature was found with the name: find"),
        ({"model": "other"}, "NOT_FOUND", ""),
        ({"model": ""}, "INVALID_ARGUMENT", ""),
        ({"version": 8}, "NOT_FOUND", ""),
        ({"label": "newest"}, "INVALID_ARGUMENT", "Unrecognized servable version label: newest"),
    ],
)
def test_a_signature_that_does_not_allow_the_call_and_a_wrong_model_have_their_codes(
    asking: Any, ask: Any, spec: dict[str, Any], expected: str, named: str
) -> None:
    code, details = asking.refused(ask, asking, given(GOOD), **spec)
    assert code == expected
    assert named in details


def test_the_other_of_both_calls_is_an_invalid_argument(asking: Any) -> None:
    for ask, signature in ((classify, "regress"), (regress, "classify")):
        code, details = asking.refused(ask, asking, given(GOOD), signature=signature)
        assert code == "INVALID_ARGUMENT"
        assert f"Was: tensorflow/serving/{signature}" in details


@pytest.mark.parametrize("ask", [classify, regress])
@pytest.mark.parametrize("asked", [input_pb2.Input(), given([]), given([], context=example(price=1.0))])
def test_no_examples_are_an_invalid_argument(asking: Any, ask: Any, asked: Any) -> None:
    code, details = asking.refused(ask, asking, asked)
    assert code == "INVALID_ARGUMENT"
    assert "Input is empty" in details


@pytest.mark.parametrize("ask", [classify, regress])
def test_a_bad_example_is_named(asking: Any, ask: Any, real: bool) -> None:
    code, details = asking.refused(ask, asking, given(BAD))
    assert code == "INVALID_ARGUMENT"
    assert "price" in details
    assert real or "example 1 of 3" in details


@pytest.mark.parametrize("bad", [b"\xff no example", BAD[1].SerializeToString()])
def test_a_bad_example_of_a_prediction_is_named(asking: Any, real: bool, bad: bytes) -> None:
    examples = [GOOD[0].SerializeToString(), GOOD[1].SerializeToString(), bad, bad]
    code, details = asking.refused(asking.predict, "", {"examples": examples})
    assert code == "INVALID_ARGUMENT"
    assert real or "example 2 of 4" in details


def test_predict_asks_signatures_of_any_method(asking: Any) -> None:
    response = asking.predict("regress", {"inputs": [GOOD[0].SerializeToString()]})
    assert tf.make_ndarray(response.outputs["outputs"]).tolist() == [0.25]
