"""Files of an S3 store (`s3://BUCKET/KEY`), by the client that pyarrow has built in: TFX and TensorFlow have none.

The functions are called as those of `tfx.dsl.io.fileio`. Who asks is told as to every S3 client: by AWS_ACCESS_KEY_ID
and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine or the pod; AWS_REGION names the region, and
AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL a store that isn't Amazon's.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import io
import os
import posixpath
from collections.abc import Iterator
from typing import IO, Any, cast

from pyarrow import fs

from aisle.schema.errors import InputError

SCHEMES = ("s3://", "minio://")
"""The second is what Kubeflow calls the store that it brings."""
_BLOCK = 1 << 20
_HINTS = (
    (("NO_SUCH_BUCKET",), "there is no such bucket; make it, or correct the address"),
    (
        ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "403", "credentials"),
        "the store refuses who asks; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or a role say who does",
    ),
    (
        ("NETWORK_CONNECTION", "curlCode"),
        "the store doesn't answer; AWS_ENDPOINT_URL names one that isn't Amazon's, AWS_REGION the region",
    ),
)


@dataclasses.dataclass(frozen=True)
class Stat:
    """What is known of a file without reading it: its bytes."""

    length: int


def open(path: str, mode: str = "rb") -> IO[Any]:
    """Opens a file; what is written shows, whole, once it is closed.

    Raises:
        FileNotFoundError: there is none to read.
        InputError: the store can't be asked.
    """
    with _asked(path):
        if "r" in mode:
            raw = io.BufferedReader(_client().open_input_file(_key(path)), _BLOCK)
        else:
            raw = _client().open_output_stream(_key(path))
    return cast("IO[Any]", raw if "b" in mode else io.TextIOWrapper(raw, encoding="utf-8"))


def exists(path: str) -> bool:
    """Says whether a file is there, or a file below a folder."""
    return _kind(path) != fs.FileType.NotFound


def isdir(path: str) -> bool:
    """Says whether something lies below a path."""
    return _kind(path) == fs.FileType.Directory


def listdir(path: str) -> list[str]:
    """Names what a folder holds; nothing where there is no such folder."""
    return [entry.base_name for entry in _entries(path, recursive=False)]


def makedirs(path: str) -> None:
    """Does nothing: a folder is there while a file lies below it."""


def rename(source: str, target: str, overwrite: bool = False) -> None:
    """Moves a file, within the store.

    Raises:
        FileExistsError: the target is there, and isn't to be overwritten.
    """
    if not overwrite and exists(target):
        raise FileExistsError(target)
    with _asked(target):
        _client().move(_key(source), _key(target))


def rmtree(path: str) -> None:
    """Removes all that lies below a folder."""
    with _asked(path):
        _client().delete_dir(_key(path))


def walk(path: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields each folder that holds files, and their names; the folders in it aren't named."""
    found, scheme = collections.defaultdict(list), path.partition("://")[0]
    for entry in _entries(path, recursive=True):
        if entry.type == fs.FileType.File:
            found[posixpath.dirname(entry.path)].append(entry.base_name)
    for folder, names in sorted(found.items()):
        yield f"{scheme}://{folder}", [], sorted(names)


def stat(path: str) -> Stat:
    """Says how large a file is."""
    with _asked(path):
        return Stat(int(_client().get_file_info(_key(path)).size))


def _kind(path: str) -> fs.FileType:
    with _asked(path):
        return _client().get_file_info(_key(path)).type


def _entries(path: str, recursive: bool) -> list[fs.FileInfo]:
    selector = fs.FileSelector(_key(path), allow_not_found=True, recursive=recursive)
    with _asked(path):
        return list(_client().get_file_info(selector))


def _key(path: str) -> str:
    return path.partition("://")[2].rstrip("/")


@contextlib.contextmanager
def _asked(path: str) -> Iterator[None]:
    """Tells what the store refuses in one line."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        told = str(error)
        why = next((hint for marks, hint in _HINTS if any(mark in told for mark in marks)), "")
        first = told.splitlines()[0][:300]
        raise InputError(f"{path} can't be used: {why} ({first})" if why else f"{path}: {first}") from error


def _client() -> fs.S3FileSystem:
    """The store that the environment names."""
    names = (
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
    )
    return _connected(tuple(os.environ.get(name, "") for name in names))


@functools.lru_cache(maxsize=4)
def _connected(told: tuple[str, ...]) -> fs.S3FileSystem:
    """A store, connected to once a process."""
    endpoint, region = told[0] or told[1], told[2] or told[3]
    scheme, _, address = endpoint.rpartition("://")
    named = {"endpoint_override": address.rstrip("/"), "scheme": scheme or "https"} if endpoint else {}
    return fs.S3FileSystem(region=region or None, connect_timeout=5, request_timeout=60, **named)
