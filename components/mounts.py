"""Where Kubeflow's launcher copies the artifacts of an object store to, on the disk of a step's container.

`s3://BUCKET/KEY` is at `/s3/BUCKET/KEY` there: what a step reads was copied before it, and what it writes is copied after
it. So TensorFlow, TFDV and Beam, which know no `s3://`, work on files. `gs://` stays as it is: they read it themselves, also
on Beam's other machines.
"""

from __future__ import annotations

import os

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


def _mounts() -> str:
    return os.environ.get(MOUNTS, "/")
