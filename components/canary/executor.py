"""Runs CanaryLoad: a model to a blessing."""

from __future__ import annotations

import os
import pathlib
import tempfile
from typing import Any

from absl import logging
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from aisle.components.canary.compare import compare
from aisle.components.canary.failure import CanaryFailure
from aisle.components.canary.server import running_server

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
        failure = try_model(model_path, exec_properties["server_module"], exec_properties["max_latency_ms"])
        if failure:
            logging.error("the canary is not blessed: %s", failure)
        name = NOT_BLESSED_FILE if failure else BLESSED_FILE
        io_utils.write_string_file(os.path.join(blessing.uri, name), failure)
        blessing.set_int_custom_property(BLESSED_PROPERTY, int(not failure))


def try_model(model_path: str, server_module: str, max_latency_ms: float) -> str:
    """Serves the SavedModel and asks it; returns why it failed, "" if it did not."""
    try:
        with (
            tempfile.TemporaryDirectory(prefix="aisle-canary-") as folder,
            running_server(server_module, model_path, pathlib.Path(folder)) as address,
        ):
            medians = compare(address, model_path, max_latency_ms)
    except CanaryFailure as failure:
        return str(failure)
    logging.info("canary: median milliseconds %s", {name: round(value, 1) for name, value in medians.items()})
    return ""
