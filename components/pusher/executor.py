"""Runs Pusher: copies aside, checks, renames."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from absl import logging
from tfx.components.pusher import executor
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils
from tfx.utils import io_utils, proto_utils

SAVED_MODEL = "saved_model.pb"
PARTIAL = ".pushing-"
"""Begins the name of a folder being copied to: no number, so no server takes it for a version."""


class Executor(executor.Executor):
    """The stock executor's inputs, checks and outputs.

    The stock one copies into the version's folder, so a push that is cut off leaves half a version,
    and numbers by the clock alone, so a clock set back pushes a version no server switches to.
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


def _base_directory(push_destination: str) -> str:
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(push_destination, destination)
    if destination.WhichOneof("destination") != "filesystem":
        raise ValueError(f"push_destination is {push_destination}; expected a filesystem's base_directory")
    return str(destination.filesystem.base_directory)


def push(model_path: str, base: str) -> str:
    """Copies a SavedModel to a new version below `base`; returns the version's folder.

    On a local disk the version appears by one rename, whole. One push at a time: what earlier ones
    left unfinished is removed.

    Raises:
        ValueError: the folder holds no SavedModel.
    """
    if not fileio.exists(os.path.join(model_path, SAVED_MODEL)):
        raise ValueError(f"{model_path} holds no {SAVED_MODEL}; nothing was pushed")
    fileio.makedirs(base)
    for name in _names(base):
        if name.startswith(PARTIAL):
            fileio.rmtree(os.path.join(base, name))
    partial = os.path.join(base, f"{PARTIAL}{uuid.uuid4().hex}")
    try:
        io_utils.copy_dir(model_path, partial)
        if not fileio.exists(os.path.join(partial, SAVED_MODEL)):
            raise ValueError(f"the copy {partial} holds no {SAVED_MODEL}; nothing was pushed")
        destination = os.path.join(base, str(next_version(_names(base), time.time())))
        fileio.rename(partial, destination)
    except BaseException:
        if fileio.exists(partial):
            fileio.rmtree(partial)
        raise
    return destination


def next_version(names: list[str], now: float) -> int:
    """The seconds of `now`, or one above the highest version among the folder's names."""
    existing = [int(name) for name in names if name.isascii() and name.isdecimal()]
    return max([int(now), *(version + 1 for version in existing)])


def _names(folder: str) -> list[str]:
    # Object stores list folders with a slash at their end.
    return [name.rstrip("/") for name in fileio.listdir(folder)]
