"""Where Kubeflow's launcher copies the artifacts of an object store to, on the disk of a step's container.

`s3://BUCKET/KEY` is at `/s3/BUCKET/KEY` there: what a step reads was copied before it, and what it writes is copied after
it. So TensorFlow, TFDV and Beam, which know no `s3://`, work on files. `gs://` stays as it is: they read it themselves, also
on Beam's other machines.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from aisle.components.storage import files_of, is_remote, open_file

MOUNTS = "AISLE_KUBEFLOW_MOUNTS"
"""Names the folder in which the launcher's `/s3` lies, where that isn't the container's root."""
COPIED = ("s3", "minio")
"""The schemes of what the launcher's copies are used of."""


def local_path(uri: str) -> str:
    """Returns where the launcher copies a URI from and to; a URI that isn't used so is returned as it is."""
    scheme, separator, path = uri.partition("://")
    return os.path.join(_mounts(), scheme, path) if separator and scheme in COPIED else uri


def remote_uri(path: str) -> str:
    """Returns the URI that `local_path` made a path of; another path is returned as it is."""
    for scheme in COPIED:
        folder = os.path.join(_mounts(), scheme, "")
        if path.startswith(folder):
            return f"{scheme}://{path[len(folder) :]}"
    return path


@contextlib.contextmanager
def on_disk(folder: str) -> Iterator[str]:
    """The folder of an artifact of another run, which no launcher has copied: where TensorFlow can read it, meanwhile.

    Raises:
        OSError: a file can't be read.
        InputError: the store can't be asked.
    """
    if not is_remote(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as copy:
        root = folder.rstrip("/")
        for parent, _, names in files_of(root).walk(root):
            target = pathlib.Path(copy) / parent[len(root) :].lstrip("/")
            target.mkdir(parents=True, exist_ok=True)
            for name in names:
                with open_file(f"{parent}/{name}") as source, (target / name).open("wb") as file:
                    shutil.copyfileobj(source, file)
        yield copy


def _mounts() -> str:
    return os.environ.get(MOUNTS, "/")
