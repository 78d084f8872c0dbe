"""Asks a served model and the same model in memory the same, and compares answers and time."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  Registers the ops the served graph tokenises with.
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tfx.dsl.io import fileio

from aisle.components.canary.failure import CanaryFailure
from aisle.components.canary.served import Served
from aisle.components.saved_model import call_signature
from aisle.schema.contract import (
    EXTRA_FOLDER,
    ITEM_IDS,
    RANK,
    RECOMMEND,
    SCORES,
    SEARCH,
    SIMILAR,
    TITLES_FILE,
)

K = 5
ITEMS = 4
"""Items asked about, spread over the catalogue."""
REPEATS = 9
"""Timed requests of each question; their median counts, so a pause of the machine does not."""
TOLERANCE = 1e-3
"""Relative (and absolute) difference of scores that differing threads may make."""
REQUEST_SECONDS = 60.0

Answers = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Question:
    """One request to a signature."""

    signature: str
    inputs: dict[str, np.ndarray]


def read_titles(model_path: str) -> dict[str, str]:
    """Item ids to titles, of the catalogue in the model; CanaryFailure where there is none."""
    path = os.path.join(model_path, EXTRA_FOLDER, TITLES_FILE)
    if not fileio.exists(path):
        raise CanaryFailure(f"the model holds no {path}; the bundle writes it")
    with fileio.open(path, "rb") as file:
        titles: dict[str, str] = json.loads(file.read())
    if not titles:
        raise CanaryFailure(f"{path} names no item, so there is nothing to ask about")
    return titles


def questions(titles: Mapping[str, str]) -> list[Question]:
    """Questions about real items, an unknown user and an empty history among them."""
    ids = list(titles)
    chosen = [ids[i] for i in sorted({round(x) for x in np.linspace(0, len(ids) - 1, ITEMS)})]
    k, one = np.asarray(K, np.int32), _strings([""])
    asked = []
    for item in chosen:
        asked.append(Question(SEARCH.name, {"query": _strings([titles[item]]), "user_id": one, "k": k}))
        asked.append(Question(SIMILAR.name, {"item_id": _strings([item]), "k": k}))
    for history in ([], chosen):
        places = _strings(history).reshape(1, -1)
        inputs = {
            "user_id": _strings(["no such user"]),
            "history": places,
            "exclude_seen": np.asarray(True),
            "k": k,
        }
        asked.append(Question(RECOMMEND.name, inputs))
    pairs = {
        "query": _strings([titles[chosen[0]]]),
        "user_id": one,
        "item_ids": _strings(chosen).reshape(1, -1),
    }
    return [*asked, Question(RANK.name, pairs)]


def _strings(values: list[str]) -> np.ndarray:
    return np.array([value.encode() for value in values], dtype=object)


def compare(
    served: Served, module: Any, titles: Mapping[str, str], max_latency_ms: float
) -> dict[str, float]:
    """Asks both and compares.

    Args:
        served: where the model answers.
        module: the same SavedModel, loaded.
        titles: of its catalogue; of `read_titles`.
        max_latency_ms: bound on each signature's median.

    Returns:
        The median milliseconds of each signature.

    Raises:
        CanaryFailure: an answer differs, a request fails, or a median is above the bound.
    """
    asked = questions(titles)
    times: dict[str, list[float]] = {}
    with grpc.insecure_channel(served.address) as channel:
        ask = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        for question in asked:
            check_same(question.signature, _in_memory(module, question), _answers(ask, served, question))
            for _ in range(REPEATS):
                start = time.perf_counter()
                _answers(ask, served, question)
                times.setdefault(question.signature, []).append((time.perf_counter() - start) * 1000)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        if median > max_latency_ms:
            raise CanaryFailure(
                f"{name} took {median:.0f} ms (median); at most {max_latency_ms:.0f} ms are allowed"
            )
    return medians


def check_same(signature: str, expected: Answers, served: Answers) -> None:
    """Raises CanaryFailure unless the ids are equal and the scores are close."""
    if set(expected) != set(served):
        raise CanaryFailure(f"{signature} answers {sorted(served)}; in memory {sorted(expected)}")
    if ITEM_IDS in expected and not np.array_equal(expected[ITEM_IDS], served[ITEM_IDS]):
        raise CanaryFailure(
            f"{signature} answers items {served[ITEM_IDS].tolist()}; in memory {expected[ITEM_IDS].tolist()}"
        )
    here, there = expected[SCORES], served[SCORES]
    # equal_nan stays False: a model that answers NaN is broken in both places.
    if here.shape != there.shape or not np.allclose(there, here, rtol=TOLERANCE, atol=TOLERANCE):
        raise CanaryFailure(f"{signature} answers scores {there.tolist()}; in memory {here.tolist()}")


def _in_memory(module: Any, question: Question) -> Answers:
    found = call_signature(module, question.signature, question.inputs)
    return {name: value.numpy() for name, value in found.items()}


def _answers(ask: Callable[..., Any], served: Served, question: Question) -> Answers:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.version.value = served.name, served.version
    request.model_spec.signature_name = question.signature
    for name, value in question.inputs.items():
        dtype = tf.string if value.dtype == object else None
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value, dtype, value.shape))
    try:
        response = ask(request, timeout=REQUEST_SECONDS)
    except grpc.RpcError as error:
        raise CanaryFailure(f"{question.signature} failed: {error.code().name}: {error.details()}") from error
    return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}
