"""Runs CanaryLoad: a model to a blessing."""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Mapping
from concurrent import futures
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf
from absl import logging
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from aisle.components.canary.compare import compare, read_titles
from aisle.components.canary.failure import CanaryFailure
from aisle.components.canary.options import is_address
from aisle.components.canary.served import Served
from aisle.components.canary.server import embedded_server
from aisle.components.canary.tf_serving import borrowed, started

# As InfraValidator writes them; the Pusher reads the property.
BLESSED_FILE, NOT_BLESSED_FILE = "INFRA_BLESSED", "INFRA_NOT_BLESSED"
BLESSED_PROPERTY = "blessed"


class Executor(base_executor.BaseExecutor):
    """Reads a Model, writes an InfraBlessing."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        model_path = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        failure = try_model(model_path, blessing.uri, exec_properties)
        if failure:
            logging.error("the canary is not blessed: %s", failure)
        name = NOT_BLESSED_FILE if failure else BLESSED_FILE
        io_utils.write_string_file(os.path.join(blessing.uri, name), failure)
        blessing.set_int_custom_property(BLESSED_PROPERTY, int(not failure))


def try_model(model_path: str, beside: str, properties: Mapping[str, Any]) -> str:
    """Serves the SavedModel and asks it.

    Args:
        model_path: its folder.
        beside: a folder that a server which runs already may be given a copy in.
        properties: of the component.

    Returns:
        Why it failed, "" if it did not.

    Raises:
        AisleError: the server is at fault, not the model; nothing is decided.
    """
    try:
        with (
            futures.ThreadPoolExecutor(1) as beside_it,
            tempfile.TemporaryDirectory(prefix="aisle-canary-") as folder,
        ):
            # While the server does the same.
            loading = beside_it.submit(tf.saved_model.load, model_path)
            with _server(model_path, pathlib.Path(folder), beside, properties) as served:
                medians = compare(
                    served, loading.result(), read_titles(model_path), properties["max_latency_ms"]
                )
    except CanaryFailure as failure:
        return str(failure)
    logging.info("canary: median milliseconds %s", {name: round(value, 1) for name, value in medians.items()})
    return ""


def _server(
    model_path: str, folder: pathlib.Path, beside: str, properties: Mapping[str, Any]
) -> AbstractContextManager[Served]:
    tf_serving = properties["tf_serving"]
    if not tf_serving:
        return embedded_server(properties["server_module"], model_path, folder)
    if is_address(tf_serving):
        return borrowed(tf_serving, model_path, beside)
    return started(tf_serving, model_path, folder)
