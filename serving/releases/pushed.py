"""The pushed versions of a model, as a local folder holds them: listed, labelled, withdrawn, removed.

Nothing is loaded: these are renames below the model's folder, which TF Serving and the embedded server see
at their next look, and labels in TF Serving's configuration file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Literal

from aisle.schema.errors import InputError
from aisle.schema.versions import REMOVING, WITHDRAWN, only_writer, sync_folder
from aisle.serving.releases.folders import numbered_folders, require_version, version_folders
from aisle.serving.releases.labels import LABEL, config_file, read_labels, read_versions, write_labels

State = Literal["served", "withdrawn", "incomplete"]
"""`served` can be loaded; `incomplete` is named by a number and lacks its `saved_model.pb`."""

_SECONDS = range(10**9, 10**10)
"""What is taken for seconds since 1970: from 2001 to 2286."""


@dataclasses.dataclass(frozen=True)
class Release:
    """A version on the disk; `pushed` is None where its number is not a time."""

    version: int
    state: State
    size: int
    """Bytes of its files."""
    pushed: datetime.datetime | None
    labels: tuple[str, ...]


def releases(base: pathlib.Path) -> list[Release]:
    """All versions below `base`, the newest first.

    Raises:
        InputError: the file of labels can't be read.
    """
    labels, served = read_labels(base), version_folders(base)
    found = [
        _release(number, folder, "served" if number in served else "incomplete", labels)
        for number, folder in numbered_folders(base).items()
    ]
    withdrawn = numbered_folders(base, WITHDRAWN)
    found += [_release(number, folder, "withdrawn", labels) for number, folder in withdrawn.items()]
    return sorted(found, key=lambda release: release.version, reverse=True)


def _release(number: int, folder: pathlib.Path, state: State, labels: Mapping[str, int]) -> Release:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    pushed = datetime.datetime.fromtimestamp(number, datetime.timezone.utc) if number in _SECONDS else None
    return Release(number, state, size, pushed, _names(labels, number))


def _names(labels: Mapping[str, int], version: int) -> tuple[str, ...]:
    return tuple(sorted(label for label, meant in labels.items() if meant == version))


@contextlib.contextmanager
def _changing(base: pathlib.Path) -> Iterator[None]:
    """Holds the lock of `base`; InputError where it holds no version."""
    require_version(base)
    with only_writer(base):
        yield


def withdraw(base: pathlib.Path, to: int | None = None) -> list[int]:
    """Rolls back: takes every version newer than one out of service; returns their numbers.

    They are renamed, so that the newest one left is served, and can be looked into.

    Args:
        base: the model's folder.
        to: the version that is to be the newest; None means the one before the newest.

    Raises:
        InputError: there is no such version, none before the newest, or one to be withdrawn has a label.
    """
    with _changing(base):
        labels = read_labels(base)
        to = _rollback_target(base, list(version_folders(base)), to)
        newer = {number: folder for number, folder in numbered_folders(base).items() if number > to}
        for number in newer:
            if names := _names(labels, number):
                raise InputError(
                    f"version {number} has the label {names[0]}; move it first: "
                    f"`aisle promote {to} --label {names[0]}`"
                )
        # The file first, so that TF Serving never looks for a folder that is gone.
        _rewrite(base, labels, to)
        # The newest last, so that no version between is the newest for a moment.
        for number, folder in newer.items():
            folder.rename(base / f"{WITHDRAWN}{number}")
        sync_folder(base)
        return sorted(newer)


def _rollback_target(base: pathlib.Path, served: list[int], to: int | None) -> int:
    if to is None:
        if len(served) < 2:
            raise InputError(f"version {served[0]} is the only one in {base}; nothing to roll back to")
        return served[-2]
    if to not in served:
        raise InputError(_unknown(base, to, served))
    return to


def _unknown(base: pathlib.Path, version: int, served: list[int]) -> str:
    known = ", ".join(map(str, served))
    if version in numbered_folders(base, WITHDRAWN):
        hidden = base / f"{WITHDRAWN}{version}"
        return f"version {version} was withdrawn; rename {hidden} to {version} to serve it again, or name one of {known}"
    return f"no version {version} in {base}; expected one of {known}"


def promote(base: pathlib.Path, version: int, label: str, base_path: str = "") -> int | None:
    """Gives a version the label, which leaves the one that had it; returns that one, or None.

    Args:
        base: the model's folder.
        version: a served one.
        label: a small letter, then small letters, digits, `_` and `-`.
        base_path: where TF Serving sees `base`; "" leaves what is written, or writes its absolute path.

    Raises:
        InputError: there is no such version, it can't be such a label, or the label is another
            version's and TF Serving is not told to load this one yet.
    """
    if not LABEL.fullmatch(label):
        raise InputError(
            f"the label is {label!r}; expected a small letter, then small letters, digits, _ and -, "
            "such as stable or canary"
        )
    with _changing(base):
        served, labels = version_folders(base), read_labels(base)
        if version not in served:
            raise InputError(_unknown(base, version, list(served)))
        left = labels.get(label)
        # TF Serving refuses a file that moves a label to a version it has not loaded, and with it
        # whatever else the file says.
        if left not in (None, version) and version not in read_versions(base):
            raise InputError(
                f"{label} can be moved to {version} once TF Serving has loaded that version: give it a new "
                f"label first, as by `aisle promote {version} --label next`, and a while later {label}"
            )
        labels[label] = version
        loaded = {*labels.values(), max(served)}
        if left is not None and left in served:
            loaded.add(left)  # Until the next change, so that the label can go back at once.
        write_labels(base, labels, loaded, base_path)
        return left


def settle(base: str, keep: int) -> list[int]:
    """Follows a push: has the file of labels name the newest version, and removes the oldest ones.

    A version with a label stays, and so does the newest. Withdrawn ones go when they are older than all
    that are kept.

    Args:
        base: the model's folder.
        keep: how many versions stay; 0 keeps all.

    Returns:
        The removed versions.

    Raises:
        InputError: the file of labels can't be read; nothing was removed.
    """
    folder = pathlib.Path(base)
    with _changing(folder):
        served, labels = version_folders(folder), read_labels(folder)
        _rewrite(folder, labels, max(served))
        oldest_kept = list(served)[-keep:][0]
        folders = served | numbered_folders(folder, WITHDRAWN)
        removed = {
            number: path
            for number, path in folders.items()
            if keep and number < oldest_kept and number not in labels.values()
        }
        # Renamed first, so that a server never finds half of one.
        for number, path in removed.items():
            path.rename(folder / f"{REMOVING}{number}")
        # Also what an earlier call was stopped in.
        for path in numbered_folders(folder, REMOVING).values():
            shutil.rmtree(path)
        return sorted(removed)


def _rewrite(base: pathlib.Path, labels: Mapping[str, int], newest: int) -> None:
    """Brings the file of labels up to the newest version; without one, servers find it by themselves."""
    if config_file(base).exists():
        write_labels(base, labels, {*labels.values(), newest})
