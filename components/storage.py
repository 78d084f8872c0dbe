"""Files and folders, local or remote (`gs://…`), behind one small set of functions.

Local paths never import TFX, which takes 20 s; remote ones go through its file systems.
"""

from __future__ import annotations

import os
import pathlib
from typing import IO, Any


def is_remote(path: str) -> bool:
    """Says whether a path is a URI of a remote file system."""
    return "://" in path


def open_file(path: str, mode: str = "rb") -> IO[Any]:
    """Opens a file; text is UTF-8."""
    if is_remote(path):
        return _fileio().open(path, mode)  # type: ignore[no-any-return]
    return open(path, mode, encoding=None if "b" in mode else "utf-8")


def exists(path: str) -> bool:
    """Says whether a file or folder is there."""
    return bool(_fileio().exists(path)) if is_remote(path) else os.path.exists(path)


def is_folder(path: str) -> bool:
    """Says whether a path is a folder."""
    return bool(_fileio().isdir(path)) if is_remote(path) else os.path.isdir(path)


def list_folder(path: str) -> list[str]:
    """Names what a folder holds, sorted, folders without a trailing slash."""
    names = _fileio().listdir(path) if is_remote(path) else os.listdir(path)
    return sorted(str(name).rstrip("/") for name in names)


def make_folder(path: str) -> None:
    """Makes a folder and its parents; one that is there already is left as it is."""
    if is_remote(path):
        _fileio().makedirs(path)
    else:
        pathlib.Path(path).mkdir(parents=True, exist_ok=True)


def move_file(source: str, target: str) -> None:
    """Moves a file to where none is, on a local disk in one step."""
    if is_remote(source):
        _fileio().rename(source, target)
    else:
        os.rename(source, target)


def _fileio() -> Any:
    from tfx.dsl.io import fileio

    return fileio
