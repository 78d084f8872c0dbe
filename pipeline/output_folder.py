"""A run's output folder: held by one run at a time, and mended where an earlier one was killed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pathlib
import re
import shutil
import sqlite3
import tempfile
import urllib.parse
from collections.abc import Iterator
from typing import Any

from aisle.components.object_store import SCHEMES
from aisle.components.storage import is_remote, list_folder
from aisle.pipeline.paths import Layout
from aisle.schema.errors import AisleError, InputError
from aisle.schema.stacks import OLD, STACKS, stack_of

LOCK_SECONDS = 30.0
"""How long a run waits for metadata that another program has locked."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXT = re.compile(r"no space left on device|disk is full|disk quota exceeded", re.IGNORECASE)
"""Of an error that came through TensorFlow, Beam or SQLite, and lost its number."""


@contextlib.contextmanager
def held(layout: Layout) -> Iterator[None]:
    """Holds the output folder for a run, its metadata checked and what a killed run left removed.

    Raises:
        InputError: another run is writing to it, its metadata can't be used, or another stack made it.
        AisleError: a disk is full.
    """
    with _full_disk_told(layout):
        pathlib.Path(layout.root).mkdir(parents=True, exist_ok=True)
        with _only_run(layout):
            _check_metadata(layout)
            _check_stack(layout)
            _remove_unfinished(layout)
            yield


def check_out(out: str) -> None:
    """Raises InputError where a run could make no folder there, or write nothing into it; makes nothing itself."""
    if is_remote(out):
        raise InputError(
            f"--out {out}: what a run on this machine makes lies on its disk; expected a local folder. "
            f"--set push.to={out.rstrip('/')} pushes the model there, and aisle compile has each step of a cluster write there"
        )
    path = pathlib.Path(out).absolute()
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    if not there.is_dir():
        raise InputError(
            f"--out {out}: {there} is a file; expected a folder to write to, or a path for a new one"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"--out {out}: {there} can't be written to; choose another folder")


def check_push(to: str) -> None:
    """Raises InputError where an object store that a model is to be pushed to can't be asked: not only after the training."""
    if to.startswith(SCHEMES):
        if not to.partition("://")[2].strip("/"):
            raise InputError(
                f"push.to={to} names no bucket; expected {to.partition('://')[0]}://BUCKET/FOLDER"
            )
        # As the push begins.
        list_folder(to)


@contextlib.contextmanager
def _only_run(layout: Layout) -> Iterator[None]:
    """Holds the output folder's lock; the system frees it however the process ends."""
    with open(layout.lock, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another run is writing to {layout.root}; wait for it, or choose another --out"
            raise InputError(message) from error
        yield


@contextlib.contextmanager
def _full_disk_told(layout: Layout) -> Iterator[None]:
    try:
        yield
    except AisleError:
        raise
    except Exception as error:
        if not _is_full(error):
            raise
        temporary = tempfile.gettempdir()
        raise AisleError(
            f"a disk is full: {_free(layout.root)} are free in {layout.root}, {_free(temporary)} in {temporary}; "
            "make room and run again, which goes on from there; what is served stays"
        ) from error


def _is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came of, is that of a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL or _FULL_TEXT.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _free(folder: str) -> str:
    try:
        return f"{shutil.disk_usage(folder).free >> 20:,} MiB"
    except OSError:
        return "unknown MiB"


def _check_stack(layout: Layout) -> None:
    """Stamps the folder with this stack's name; raises InputError where it has another's.

    A step's cached output is a graph, a transform or statistics in the form of the TensorFlow that made it: going on
    from there with another one would mix the two.
    """
    stamp = pathlib.Path(layout.stack)
    name = stack.name if (stack := stack_of()) else "unknown"
    if stamp.is_file():
        made_by = _stamped(stamp)
    else:
        # Folders were not stamped while there was the old stack alone.
        made_by = OLD.name if pathlib.Path(layout.metadata).exists() else name
    if made_by != name:
        told = {each.name: str(each) for each in STACKS}
        raise InputError(
            f"{layout.root} was made by {told.get(made_by, made_by)}, and this is {told.get(name, name)}, which can't "
            f"go on from there; choose another --out, or set the other one up: AISLE_STACK={made_by} make setup"
        )
    if not stamp.is_file():
        stamp.write_text(json.dumps({"stack": name}) + "\n", encoding="utf-8")


def _stamped(stamp: pathlib.Path) -> str:
    try:
        return str(json.loads(stamp.read_text(encoding="utf-8"))["stack"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{stamp} can't be read ({error!r}); remove it, or choose another --out"
        raise InputError(message) from error


def _check_metadata(layout: Layout) -> None:
    """Raises InputError where ML Metadata's file can't be used; it is never removed or written to.

    TFX would try ten times and end with a traceback, or run on beside another writer.
    """
    recovery = (
        f"put a copy of it back, or move it and {layout.artifacts} away and run again: all is done anew"
    )
    path = pathlib.Path(layout.metadata)
    if not path.exists():
        # Steps are numbered from 1 again, and would find another step's files in their folders.
        if any(pathlib.Path(layout.artifacts).glob("*/*/*")):
            raise InputError(f"{path} is gone, but not the artifacts that it tells of; {recovery}")
        return
    address = f"file:{urllib.parse.quote(str(path))}?mode=rw"
    try:
        with contextlib.closing(
            sqlite3.connect(address, uri=True, timeout=LOCK_SECONDS, isolation_level=None)
        ) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if _is_full(error):
            raise
        why = f"{error}; let this user read and write it"
        if "locked" in str(error):
            why = f"another program has locked it for {LOCK_SECONDS:.0f} s; end that, and run again"
        raise InputError(f"the metadata {path} can't be used: {why}") from error
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise InputError(f"the metadata {path} is damaged ({str(found).splitlines()[0]}); {recovery}")


def _remove_unfinished(layout: Layout) -> None:
    """Removes what a killed run's steps left: half of their output, and their temporary space.

    No later step takes such output, for it was never published; but it would stay on the disk.
    """
    artifacts = pathlib.Path(layout.artifacts)
    for folder in (
        *artifacts.glob("*/.system/*/*/.temp"),
        *artifacts.glob("*/.system/stateful_working_dir/*"),
    ):
        shutil.rmtree(folder)
    if not pathlib.Path(layout.metadata).exists():
        return
    for execution in _unfinished(layout):
        for folder in artifacts.glob(f"*/*/{execution}"):
            shutil.rmtree(folder)


def _unfinished(layout: Layout) -> list[int]:
    """The executions that began and did not end, which are marked as failed."""
    from ml_metadata.proto import metadata_store_pb2
    from tfx import v1 as tfx
    from tfx.orchestration import metadata

    states: Any = metadata_store_pb2.Execution
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(layout.metadata)
    with metadata.Metadata(connection) as handle:
        begun = [
            execution
            for execution in handle.store.get_executions()
            if execution.last_known_state in (states.NEW, states.RUNNING)
        ]
        for execution in begun:
            execution.last_known_state = states.FAILED
        if begun:
            handle.store.put_executions(begun)
    return [execution.id for execution in begun]
