"""Files of an object store (`s3://BUCKET/KEY`, `gs://BUCKET/KEY`), by the clients that pyarrow has built in.

The functions are called as those of `tfx.dsl.io.fileio`, without TFX and TensorFlow, which have no client of S3. Who asks is
told as to every client of these stores. S3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine or
the pod; AWS_REGION names the region, and AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL a store that isn't Amazon's. Google Cloud
Storage: Application Default Credentials (GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, or the
service account of the machine or the pod); STORAGE_EMULATOR_HOST names an emulator, which is asked as nobody.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import functools
import io
import os
import posixpath
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

import pyarrow as pa
from pyarrow import fs

from aisle.schema.errors import InputError

_BLOCK = 1 << 20
_PATIENCE = datetime.timedelta(seconds=20)
"""How long a request of Google's store is tried again: who has no credentials waits for it, too."""


@dataclasses.dataclass(frozen=True)
class Stat:
    """What is known of a file without reading it: its bytes."""

    length: int


class _Ranges(io.RawIOBase):
    """Reads a file by ranges: where one seeks to is not asked for until it is read, nor is what lies behind the end."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file, self._size, self._place = file, file.size(), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), max(self._size - self._place, 0))
        data = self._file.read_at(length, self._place) if length else b""
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def open(path: str, mode: str = "rb") -> IO[Any]:
    """Opens a file; what is written shows, whole, once it is closed.

    Raises:
        FileNotFoundError: there is none to read.
        InputError: the store can't be asked.
    """
    with _asked(path):
        if "r" in mode:
            raw = io.BufferedReader(_Ranges(_client(path).open_input_file(_key(path))), _BLOCK)
        else:
            raw = _written(path)
    return cast("IO[Any]", raw if "b" in mode else io.TextIOWrapper(raw, encoding="utf-8"))


def exists(path: str) -> bool:
    """Says whether a file is there, or a file below a folder."""
    return _kind(path) != fs.FileType.NotFound


def isdir(path: str) -> bool:
    """Says whether something lies below a path."""
    return _kind(path) == fs.FileType.Directory


def listdir(path: str) -> list[str]:
    """Names what a folder holds; nothing where there is no such folder."""
    if not _store(path).names_folders:
        # All below is asked for, since a listing without what lies deeper leaves the folders out.
        start = len(_key(path)) + 1
        return sorted({entry.path[start:].partition("/")[0] for entry in _entries(path, recursive=True)})
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
        _client(target).move(_key(source), _key(target))


def rmtree(path: str) -> None:
    """Removes all that lies below a folder."""
    with _asked(path):
        if _store(path).names_folders:
            _client(path).delete_dir(_key(path))
            return
        for entry in _entries(path, recursive=True):
            _client(path).delete_file(entry.path)


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
        return Stat(int(_client(path).get_file_info(_key(path)).size))


def _kind(path: str) -> fs.FileType:
    with _asked(path):
        found = _client(path).get_file_info(_key(path)).type
        if found == fs.FileType.Directory and not _store(path).names_folders:
            # Where there is no bucket, this client takes the refused listing for what lies in a folder.
            return _client(path).get_file_info(_key(path).partition("/")[0]).type
        return found


def _entries(path: str, recursive: bool) -> list[fs.FileInfo]:
    selector = fs.FileSelector(_key(path), allow_not_found=True, recursive=recursive)
    with _asked(path):
        return list(_client(path).get_file_info(selector))


def _written(path: str) -> Any:
    """A stream that writes a file; raises OSError that names the bucket where there is none."""
    try:
        return _client(path).open_output_stream(_key(path))
    except FileNotFoundError as error:
        raise OSError(f"NO_SUCH_BUCKET {error}") from error


def _key(path: str) -> str:
    return path.partition("://")[2].rstrip("/")


@contextlib.contextmanager
def _asked(path: str) -> Iterator[None]:
    """Tells what the store refuses in one line."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        told = str(error)
        why = next((hint for marks, hint in _store(path).hints if any(mark in told for mark in marks)), "")
        first = told.splitlines()[0]
        # Google's client says the cause last.
        first = first if len(first) <= 300 else f"{first[:100]} … {first[-200:]}"
        raise InputError(f"{path} can't be used: {why} ({first})" if why else f"{path}: {first}") from error


def _client(path: str) -> fs.FileSystem:
    """The store of a path's scheme that the environment names, connected to once a process."""
    store = _store(path)
    return _connected(store.connect, tuple(os.environ.get(name, "") for name in store.told_by))


def _store(path: str) -> _Store:
    return _STORES[path.partition("://")[0]]


@functools.lru_cache(maxsize=4)
def _connected(connect: Callable[..., fs.FileSystem], told: tuple[str, ...]) -> fs.FileSystem:
    return connect(*told)


def _s3(endpoint_s3: str, endpoint: str, region: str, default_region: str, who: str) -> fs.FileSystem:
    """The client of S3; it reads itself `who` asks, which is told so that another who gets another client."""
    named: dict[str, Any] = {}
    if address := endpoint_s3 or endpoint:
        scheme, _, host = address.rpartition("://")
        named = {"endpoint_override": host.rstrip("/"), "scheme": scheme or "https"}
    return fs.S3FileSystem(
        region=region or default_region or None, connect_timeout=5, request_timeout=60, **named
    )


def _gcs(emulator: str, who: str) -> fs.FileSystem:
    """The client of Google Cloud Storage; for `who` see `_s3`."""
    named: dict[str, Any] = {}
    if emulator:
        scheme, _, host = emulator.rpartition("://")
        named = {"endpoint_override": host.rstrip("/"), "scheme": scheme or "http", "anonymous": True}
    return fs.GcsFileSystem(retry_time_limit=_PATIENCE, **named)


@dataclasses.dataclass(frozen=True)
class _Store:
    """A kind of store.

    Attributes:
        connect: makes a client, by what `told_by` say.
        told_by: variables of the environment.
        names_folders: its client lists and removes folders that no marker stands for.
        hints: what to do, by words of what the client says.
    """

    connect: Callable[..., fs.FileSystem]
    told_by: tuple[str, ...]
    names_folders: bool
    hints: tuple[tuple[tuple[str, ...], str], ...]


_NO_BUCKET = (("NO_SUCH_BUCKET",), "there is no such bucket; make it, or correct the address")
_AMAZON = _Store(
    _s3,
    ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"),
    names_folders=True,
    hints=(
        _NO_BUCKET,
        (
            ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "403", "credentials"),
            "the store refuses who asks; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or a role say who does",
        ),
        (
            ("NETWORK_CONNECTION", "curlCode"),
            "the store doesn't answer; AWS_ENDPOINT_URL names one that isn't Amazon's, AWS_REGION the region",
        ),
    ),
)
_GOOGLE = _Store(
    _gcs,
    ("STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"),
    names_folders=False,
    hints=(
        _NO_BUCKET,
        (
            ("OAuth2", "PERMISSION_DENIED", "UNAUTHENTICATED", "403", "401", "credentials"),
            "the store refuses who asks; GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login` or the "
            "service account of the machine say who does",
        ),
        (
            ("UNAVAILABLE", "Retry policy exhausted", "CURL error"),
            "the store doesn't answer; STORAGE_EMULATOR_HOST names an emulator, and must be empty for Google's own",
        ),
    ),
)
_STORES = {"s3": _AMAZON, "minio": _AMAZON, "gs": _GOOGLE}
SCHEMES = tuple(f"{scheme}://" for scheme in _STORES)
"""`minio://` is what Kubeflow calls the store that it brings."""
