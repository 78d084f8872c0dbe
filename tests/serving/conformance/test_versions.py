"""Which version answers, GetModelStatus and GetModelMetadata, as TF Serving has them."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from aisle.schema.contract import SIGNATURES

SIMILAR = ("similar", {"item_id": ["a"], "k": 1})


def answered(asking: Any, **spec: Any) -> tuple[int, list[list[float]]]:
    """The version that answers, and its scores: version 9 doubles them."""
    response = asking.predict(*SIMILAR, **spec)
    return response.model_spec.version.value, tf.make_ndarray(response.outputs["scores"]).tolist()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, (10, [[4.0]])),
        ({"version": 10}, (10, [[4.0]])),
        ({"version": 9}, (9, [[8.0]])),
        ({"label": "stable"}, (9, [[8.0]])),
    ],
    ids=["the numerically highest", "by number", "an older one by number", "by label"],
)
def test_the_version_that_is_meant_answers(
    asking: Any, spec: dict[str, Any], expected: tuple[int, list[list[float]]]
) -> None:
    assert answered(asking, **spec) == expected


def test_an_unknown_label_is_an_invalid_argument(asking: Any) -> None:
    code, details = asking.refused(asking.predict, *SIMILAR, label="newest")
    assert code == "INVALID_ARGUMENT"
    assert details.startswith("Unrecognized servable version label: newest")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, [(10, "AVAILABLE"), (9, "AVAILABLE")]),
        ({"version": 9}, [(9, "AVAILABLE")]),
        ({"label": "stable"}, [(10, "AVAILABLE"), (9, "AVAILABLE")]),
        ({"signature": "find"}, [(10, "AVAILABLE"), (9, "AVAILABLE")]),
    ],
    ids=["all", "one", "a label counts for nothing", "nor does a signature"],
)
def test_the_status_tells_what_is_served(
    asking: Any, spec: dict[str, Any], expected: list[tuple[int, str]]
) -> None:
    assert asking.status(**spec) == expected


@pytest.mark.parametrize("spec", [{"model": "other"}, {"model": ""}, {"version": 8}])
def test_the_status_of_what_there_is_not_is_not_found(asking: Any, spec: dict[str, Any]) -> None:
    assert asking.refused(asking.status, **spec)[0] == "NOT_FOUND"


def test_a_question_for_a_status_without_a_model_is_an_invalid_argument(asking: Any) -> None:
    request = get_model_status_pb2.GetModelStatusRequest()
    assert asking.refused(asking.model.GetModelStatus, request, timeout=300)[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("fields", [["signature_def"], ["signature_def", "signature_def"]])
def test_the_metadata_tell_the_contract(asking: Any, fields: list[str]) -> None:
    response = asking.metadata(*fields, label="stable")
    assert (response.model_spec.name, response.model_spec.version.value) == ("aisle", 9)
    definitions = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(definitions)
    for signature in SIGNATURES:
        found = definitions.signature_def[signature.name]
        assert set(found.inputs) == {tensor.name for tensor in signature.inputs}
        assert set(found.outputs) == {tensor.name for tensor in signature.outputs}
        assert found.method_name == "tensorflow/serving/predict"


@pytest.mark.parametrize(
    ("fields", "spec", "expected"),
    [
        ([], {}, "INVALID_ARGUMENT"),
        (["colour"], {}, "INVALID_ARGUMENT"),
        (["signature_def", "colour"], {}, "INVALID_ARGUMENT"),
        (["colour"], {"model": "other"}, "INVALID_ARGUMENT"),
        (["signature_def"], {"model": "other"}, "NOT_FOUND"),
        (["signature_def"], {"model": ""}, "INVALID_ARGUMENT"),
        (["signature_def"], {"version": 8}, "NOT_FOUND"),
        (["signature_def"], {"label": "newest"}, "INVALID_ARGUMENT"),
    ],
)
def test_metadata_that_there_are_not_have_their_code(
    asking: Any, fields: list[str], spec: dict[str, Any], expected: str
) -> None:
    assert asking.refused(asking.metadata, *fields, **spec)[0] == expected
