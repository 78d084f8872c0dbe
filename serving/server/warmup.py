"""Answers a model's warm-up requests, as TF Serving does before it shows a version."""

from __future__ import annotations

import functools
import pathlib

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from aisle.schema.contract import EXTRA_FOLDER, WARMUP_FILE
from aisle.schema.errors import AisleError
from aisle.serving.server.calls import RequestError
from aisle.serving.server.loaded.loaded_model import LoadedModel
from aisle.serving.server.loaded.versions import View
from aisle.serving.server.model_call import call_signature
from aisle.serving.server.service import predict

_ASIDE = functools.partial(call_signature, aside=True)
MOST = 1_000
"""Requests; TF Serving refuses a longer file."""


def warm_up(model: LoadedModel, folder: pathlib.Path) -> int:
    """Answers the requests of `assets.extra/tf_serving_warmup_requests`; none where there is no such file.

    Args:
        model: as loaded.
        folder: that it was loaded from.

    Returns:
        How many were answered.

    Raises:
        AisleError: the file can't be read, is longer than TF Serving takes, or a request of it fails.
    """
    path = folder / EXTRA_FOLDER / WARMUP_FILE
    if not path.exists():
        return 0
    alone = View(model, {model.version: model}, {})
    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            log = prediction_log_pb2.PredictionLog.FromString(record)
            if log.WhichOneof("log_type") == "predict_log":
                predict(alone, log.predict_log.request, run=_ASIDE)
            count += 1
            if count > MOST:
                raise AisleError(f"{WARMUP_FILE} holds more than {MOST} requests")
    except (tf.errors.OpError, RequestError, DecodeError) as error:
        first = str(error).splitlines()[0]
        raise AisleError(f"{WARMUP_FILE}: request {count + 1} fails: {first}") from error
    return count
