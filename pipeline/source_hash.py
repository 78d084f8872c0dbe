"""A hash of our own code: TFX's cache does not see what a dotted path names."""

from __future__ import annotations

import hashlib
import importlib.util
import pathlib


def source_hash(*parts: str) -> str:
    """Returns a hash of the Python source of some parts of `aisle`, such as `model`.

    Args:
        parts: names of packages under `aisle`.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        spec = importlib.util.find_spec(f"aisle.{part}")
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(f"aisle.{part} is not installed")
        folder = pathlib.Path(next(iter(spec.submodule_search_locations)))
        for path in sorted(folder.rglob("*.py")):
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
