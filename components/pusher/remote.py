"""Pushes to an object store, where a folder can't be renamed at once: `saved_model.pb` comes last."""

from __future__ import annotations

import pathlib
import posixpath
import shutil
import time
import uuid

from aisle.components.pusher.local import differing, sizes
from aisle.components.storage import files_of, is_remote, open_file
from aisle.schema.versions import PUSHING, SAVED_MODEL, next_version

_BLOCK = 1 << 22


def push(model_path: str, base: str) -> str:
    """Copies a SavedModel to a new version below `base` (`gs://`, `s3://`, `hdfs://`).

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
    store = files_of(base)
    store.makedirs(base)
    # Object stores list folders with a slash at their end.
    names = [name.rstrip("/") for name in store.listdir(base)]
    for name in names:
        if name.startswith(PUSHING):
            store.rmtree(posixpath.join(base, name))
    partial = posixpath.join(base, f"{PUSHING}{uuid.uuid4().hex}")
    destination = posixpath.join(base, str(next_version(names, time.time())))
    try:
        _copy(files, model_path, partial)
        if (copied := _sizes(partial)) != files:
            raise ValueError(differing(files, copied))
        _show(files, partial, destination)
    except BaseException:
        for folder in (destination, partial):
            if store.exists(folder):
                store.rmtree(folder)
        raise
    if store.exists(partial):
        store.rmtree(partial)
    return destination


def _copy(files: dict[str, int], source: str, target: str) -> None:
    """Copies files, named by their path in the folder, from one store to another."""
    for name in files:
        path = posixpath.join(target, name)
        files_of(target).makedirs(posixpath.dirname(path))
        with open_file(posixpath.join(source, name)) as original, open_file(path, "wb") as copy:
            shutil.copyfileobj(original, copy, _BLOCK)


def _show(files: dict[str, int], partial: str, destination: str) -> None:
    """Moves the files to where servers look, the one that makes them a model last."""
    for name in sorted(files, key=lambda name: (name == SAVED_MODEL, name)):
        target = posixpath.join(destination, name)
        files_of(target).makedirs(posixpath.dirname(target))
        files_of(target).rename(posixpath.join(partial, name), target)


def _sizes(folder: str) -> dict[str, int]:
    """The files below a folder, by their path in it, with their bytes."""
    if not is_remote(folder):
        return sizes(pathlib.Path(folder))
    root, store = folder.rstrip("/"), files_of(folder)
    found = {}
    for parent, _, names in store.walk(root):
        for name in names:
            path = posixpath.join(parent, name)
            found[path[len(root) :].lstrip("/")] = int(store.stat(path).length)
    return found
