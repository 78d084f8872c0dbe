"""Files and folders, local or remote (`gs://…`, `s3://…`), behind one small set of functions.

Local paths and these stores never import TFX, which takes 20 s; other remote ones go through its file systems.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import uuid
from typing import IO, Any

from aisle.components import object_store
from aisle.schema.whole_files import whole_file


def is_remote(path: str) -> bool:
    """Says whether a path is a URI of a remote file system."""
    return "://" in path


def open_file(path: str, mode: str = "rb") -> IO[Any]:
    """Opens a file; text is UTF-8."""
    if is_remote(path):
        return files_of(path).open(path, mode)  # type: ignore[no-any-return]
    return open(path, mode, encoding=None if "b" in mode else "utf-8")


def exists(path: str) -> bool:
    """Says whether a file or folder is there."""
    return bool(files_of(path).exists(path)) if is_remote(path) else os.path.exists(path)


def is_folder(path: str) -> bool:
    """Says whether a path is a folder."""
    return bool(files_of(path).isdir(path)) if is_remote(path) else os.path.isdir(path)


def list_folder(path: str) -> list[str]:
    """Names what a folder holds, sorted, folders without a trailing slash."""
    names = files_of(path).listdir(path) if is_remote(path) else os.listdir(path)
    return sorted(str(name).rstrip("/") for name in names)


def size_of(path: str) -> int:
    """Bytes of a file."""
    if is_remote(path):
        with open_file(path) as file:
            return int(file.seek(0, os.SEEK_END))
    return os.path.getsize(path)


def make_folder(path: str) -> None:
    """Makes a folder and its parents; one that is there already is left as it is."""
    if is_remote(path):
        files_of(path).makedirs(path)
    else:
        pathlib.Path(path).mkdir(parents=True, exist_ok=True)


def remove_folder(path: str) -> None:
    """Removes a folder and all it holds; one that isn't there is no error."""
    if not is_remote(path):
        shutil.rmtree(path, ignore_errors=True)
    elif exists(path):
        files_of(path).rmtree(path)


def write_whole(path: str, data: bytes) -> None:
    """Writes a file that is there whole or not at all, in place of an earlier one; its folder exists."""
    if not is_remote(path):
        with whole_file(pathlib.Path(path)) as partial:
            partial.write_bytes(data)
        return
    if path.startswith(object_store.SCHEMES):
        # There a file shows, whole, once it is closed.
        with object_store.open(path, "wb") as file:
            file.write(data)
        return
    aside = os.path.join(os.path.dirname(path), f".{uuid.uuid4().hex}.part")
    with open_file(aside, "wb") as file:
        file.write(data)
    files_of(path).rename(aside, path, overwrite=True)


def files_of(path: str) -> Any:
    """Returns what has the functions of `tfx.dsl.io.fileio` for a path: `object_store` where it knows the scheme, itself for all else."""
    if path.startswith(object_store.SCHEMES):
        return object_store
    from tfx.dsl.io import fileio

    return fileio
