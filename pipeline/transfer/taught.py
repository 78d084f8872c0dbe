"""Finds what another shop teaches, in its output folder or in a model that it pushed."""

from __future__ import annotations

import hashlib
import pathlib

from aisle.components.storage import is_remote
from aisle.pipeline.paths import Layout
from aisle.schema.contract import EXTRA_FOLDER, TAUGHT_FILE
from aisle.schema.errors import InputError

_SAVED_MODEL = "saved_model.pb"


def find_taught(source: str, out: str) -> pathlib.Path | None:
    """The file of what another shop teaches: of its newest pushed version, or of the model that is named.

    Args:
        source: the other shop's output folder, its folder of versions, or one of them; "" is none.
        out: this run's own output folder.

    Raises:
        InputError: there is no such folder, it is this run's own, or it holds no model that teaches.
    """
    if not source:
        return None
    folder, expected = (
        pathlib.Path(source),
        "expected the output folder of another shop's run, or a model that it pushed",
    )
    if is_remote(source):
        raise InputError(
            f"--from {source} is not on this machine: copy the newest version's folder here; {expected}"
        )
    if not folder.is_dir():
        raise InputError(f"--from {source}: there is no such folder; {expected}")
    if folder.resolve() == pathlib.Path(out).resolve():
        raise InputError(f"--from {source} is this run's own output folder; {expected}")
    versions = [
        path
        for place in (folder, pathlib.Path(Layout(str(folder)).serving))
        for path in place.glob("[0-9]*")
        if path.name.isdigit() and (path / _SAVED_MODEL).is_file()
    ]
    if (folder / _SAVED_MODEL).is_file():
        versions = [folder]
    if not versions:
        raise InputError(f"--from {source} holds no model that was pushed; {expected}")
    newest = max(versions, key=lambda path: int(path.name) if path.name.isdigit() else 0)
    found = newest / EXTRA_FOLDER / TAUGHT_FILE
    if not found.is_file():
        raise InputError(
            f"--from {source}: the model {newest} teaches nothing (it has no {EXTRA_FOLDER}/{TAUGHT_FILE}), since another "
            "version of aisle made it; run this version on that shop again"
        )
    return found


def kept_taught(source: str, layout: Layout) -> str:
    """A copy of what another shop teaches, named by its content; "" where there is none.

    The other shop may run again at any time: what this run has begun with stays, and its cache is of just that.

    Raises:
        InputError: as of `find_taught`.
    """
    found = find_taught(source, layout.root)
    if found is None:
        return ""
    from aisle.model.transfer.taught import Taught

    Taught.read(str(found))
    content = found.read_bytes()
    folder = pathlib.Path(layout.taught)
    folder.mkdir(exist_ok=True)
    kept = folder / f"{hashlib.sha256(content).hexdigest()[:20]}.npz"
    for other in folder.glob("*.npz"):
        if other != kept:
            other.unlink()
    kept.write_bytes(content)
    return str(kept)
