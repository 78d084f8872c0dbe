"""Pushes on a local disk: copied aside, written through, compared, renamed. Imports no TFX."""

from __future__ import annotations

import os
import pathlib
import shutil
import time
import uuid

from aisle.schema.versions import PUSHING, SAVED_MODEL, next_version, only_writer, sync_folder


def push(model_path: str, base: str) -> str:
    """Copies a SavedModel to a new version below `base`, which appears by one rename, whole.

    What earlier pushes left unfinished is removed.

    Returns:
        The version's folder.

    Raises:
        ValueError: the folder holds no SavedModel, or the copy is not what was copied.
    """
    source, folder = pathlib.Path(model_path), pathlib.Path(base)
    files = sizes(source)
    if SAVED_MODEL not in files:
        raise ValueError(f"{model_path} holds no {SAVED_MODEL}; nothing was pushed")
    folder.mkdir(parents=True, exist_ok=True)
    with only_writer(folder):
        for entry in folder.glob(f"{PUSHING}*"):
            shutil.rmtree(entry)
        partial = folder / f"{PUSHING}{uuid.uuid4().hex}"
        try:
            _copy(source, partial)
            if (copied := sizes(partial)) != files:
                raise ValueError(differing(files, copied))
            destination = folder / str(next_version(os.listdir(folder), time.time()))
            partial.rename(destination)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        sync_folder(folder)
    return str(destination)


def differing(files: dict[str, int], copied: dict[str, int]) -> str:
    """Says which file of a copy is not as it was; both are names to bytes."""
    name = min(name for name in files.keys() | copied.keys() if files.get(name) != copied.get(name))
    return f"{name} has {files.get(name)} bytes and its copy {copied.get(name)}; nothing was pushed"


def sizes(folder: pathlib.Path) -> dict[str, int]:
    """The files below a folder, by their path in it, with their bytes."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies a folder and has the disk hold it, so that no power cut after the rename shows an empty file."""
    shutil.copytree(source, target, copy_function=_copy_through)
    for folder, _, _ in os.walk(target):
        sync_folder(pathlib.Path(folder))


def _copy_through(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    with open(target, "rb") as file:
        os.fsync(file.fileno())
