"""Whether a run reads pictures, and which files it would see changed."""

from __future__ import annotations

import hashlib
import importlib.util
import os

from aisle.components.example_gen.reader import table_columns
from aisle.components.pictures.gathered import IMAGE
from aisle.model.images.efficientnet import PACKAGE, weights_file
from aisle.pipeline.config import Config
from aisle.schema.tables import ITEMS

COMPILED = "compiled"
"""Stands for the fingerprint where the files can't be seen."""


def pictures_to_read(data: str, config: Config) -> str:
    """The fingerprint of the files below a data folder, for a run that reads pictures; "" for one that doesn't.

    Raises:
        InputError: they are to be read always, and the package of the encoder is not installed.
    """
    told = config.pictures.use
    if told == "never" or IMAGE not in table_columns(data, ITEMS, config.readings()[ITEMS.name]):
        return ""
    if told == "always":
        weights_file()
    elif importlib.util.find_spec(PACKAGE) is None:
        return ""
    return files_fingerprint(data)


def files_fingerprint(folder: str) -> str:
    """A hash of the names, sizes and times of all files below a local folder."""
    digest = hashlib.blake2b(digest_size=16)
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            at = os.path.join(path, name)
            told = os.stat(at, follow_symlinks=False)
            digest.update(f"{os.path.relpath(at, folder)}\0{told.st_size}\0{told.st_mtime_ns}\0".encode())
    return digest.hexdigest()
