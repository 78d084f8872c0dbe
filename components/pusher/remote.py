"""Pushes to an object store, where a folder can't be renamed at once: `saved_model.pb` comes last."""

from __future__ import annotations

import posixpath
import time
import uuid

from tfx.dsl.io import fileio
from tfx.utils import io_utils

from aisle.components.pusher.local import differing
from aisle.schema.versions import PUSHING, SAVED_MODEL, next_version


def push(model_path: str, base: str) -> str:
    """Copies a SavedModel to a new version below `base`, by TFX's file systems (`gs://`, `s3://`, `hdfs://`).

    It is copied under a hidden name and compared first, so that only moves within the store are left to
    do once the version's folder shows, whose `saved_model.pb` marks it as whole. One push at a time: what
    earlier ones left unfinished is removed.

    Returns:
        The version's folder.

    Raises:
        ValueError: the folder holds no SavedModel, or the copy is not what was copied.
    """
    files = _sizes(model_path)
    if SAVED_MODEL not in files:
        raise ValueError(f"{model_path} holds no {SAVED_MODEL}; nothing was pushed")
    fileio.makedirs(base)
    names = _names(base)
    for name in names:
        if name.startswith(PUSHING):
            fileio.rmtree(posixpath.join(base, name))
    partial = posixpath.join(base, f"{PUSHING}{uuid.uuid4().hex}")
    destination = posixpath.join(base, str(next_version(names, time.time())))
    try:
        io_utils.copy_dir(model_path, partial)
        if (copied := _sizes(partial)) != files:
            raise ValueError(differing(files, copied))
        _show(files, partial, destination)
    except BaseException:
        for folder in (destination, partial):
            if fileio.exists(folder):
                fileio.rmtree(folder)
        raise
    fileio.rmtree(partial)
    return destination


def _show(files: dict[str, int], partial: str, destination: str) -> None:
    """Moves the files to where servers look, the one that makes them a model last."""
    for name in sorted(files, key=lambda name: (name == SAVED_MODEL, name)):
        target = posixpath.join(destination, name)
        fileio.makedirs(posixpath.dirname(target))
        fileio.rename(posixpath.join(partial, name), target)


def _sizes(folder: str) -> dict[str, int]:
    """The files below a folder, by their path in it, with their bytes."""
    root = folder.rstrip("/")
    found = {}
    for parent, _, names in fileio.walk(root):
        for name in names:
            path = posixpath.join(parent, name)
            found[path[len(root) :].lstrip("/")] = int(fileio.stat(path).length)
    return found


def _names(folder: str) -> list[str]:
    # Object stores list folders with a slash at their end.
    return [name.rstrip("/") for name in fileio.listdir(folder)]
