"""Runs Pusher: copies aside, compares, shows the version, then removes old ones."""

from __future__ import annotations

import json
import os
from typing import Any

from absl import logging
from tfx.components.pusher import executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils
from tfx.utils import import_utils, io_utils, proto_utils

from aisle.components.pusher import local, remote
from aisle.schema.errors import AisleError


class Executor(executor.Executor):
    """The stock executor's inputs, checks and outputs.

    The stock one copies into the version's folder, so a push that is cut off leaves half a version,
    and numbers by the clock alone, so a clock set back pushes a version no server switches to.

    `custom_config` may hold `settle_fn`, the dotted path of a function that is called with the folder of
    the versions and `keep` after a push to a local disk.
    """

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `tfx.components.pusher.executor.Executor.Do`."""
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        model_path = self.GetModelPath(input_dict)
        base = _base_directory(exec_properties["push_destination"])
        # The archive first: once the version shows, nothing may fail any more.
        io_utils.copy_dir(model_path, pushed.uri)
        destination = push(model_path, base)
        version = os.path.basename(destination)
        self._MarkPushed(pushed, pushed_destination=destination, pushed_version=version)
        logging.info("pushed version %s to %s", version, base)
        _settle(base, json.loads(exec_properties.get("custom_config") or "null") or {})


def _base_directory(push_destination: str) -> str:
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(push_destination, destination)
    if destination.WhichOneof("destination") != "filesystem":
        raise ValueError(f"push_destination is {push_destination}; expected a filesystem's base_directory")
    return str(destination.filesystem.base_directory)


def push(model_path: str, base: str) -> str:
    """Copies a SavedModel to a new version below `base`, see `local.push` and `remote.push`."""
    way = remote.push if "://" in model_path or "://" in base else local.push
    return way(model_path, base)


def _settle(base: str, config: dict[str, Any]) -> None:
    """Removes old versions and brings the labels' file up to date; the push stands, even if that fails."""
    if "settle_fn" not in config or "://" in base:
        return
    try:
        removed = import_utils.import_class_by_path(config["settle_fn"])(base, config["keep"])
    except (AisleError, OSError) as error:
        logging.error("old versions in %s were not removed: %s", base, error)
        return
    logging.info("removed the versions %s from %s", removed, base)
