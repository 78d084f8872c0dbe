"""Hashes of our own code: TFX's cache sees neither what a dotted path names nor what an executor does."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import pathlib
from typing import Any

_DATA = (".css", ".html")
"""What a package holds beside its Python, and is part of what it does."""


def show_code_to_cache(node: Any) -> None:
    """Makes a component of ours run again when the code that it runs has changed.

    TFX's cache looks at the executor's name and flags; ours read no flags.

    Args:
        node: a TFX component.
    """
    executor = node.executor_spec.executor_class.__module__
    if executor.startswith("aisle."):
        node.executor_spec.add_extra_flags([f"--code={code_hash(executor)}"])


def code_of(function: str) -> str:
    """The hash of the code that a function, by its dotted path, leads to: TFX's cache sees the path alone."""
    return code_hash(function.rpartition(".")[0])


def code_hash(module: str) -> str:
    """Returns a hash of the source of a module of `aisle` and of all those of `aisle` that it leads to by imports.

    Args:
        module: its dotted path, such as `aisle.components.cleaner.executor`.
    """
    files: dict[str, pathlib.Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in files else _source(name)
        if path is not None:
            files[name] = path
            waiting += _imported(path.read_bytes())
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(files):
        digest.update(name.encode())
        digest.update(files[name].read_bytes())
        if files[name].name == "__init__.py":
            for data in sorted(path for path in files[name].parent.iterdir() if path.suffix in _DATA):
                digest.update(data.read_bytes())
    return digest.hexdigest()


@functools.cache
def _imported(source: bytes) -> list[str]:
    """The names that a module imports, wherever in it; of `from a import b` both `a` and `a.b`."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _source(name: str) -> pathlib.Path | None:
    """The file of a module of `aisle`; None where the name is another's, or no module's."""
    parts = name.split(".")
    if len(parts) < 2 or parts[0] != "aisle":
        return None
    place = _folder(parts[1]).joinpath(*parts[2:])
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.is_file():
            return path
    return None


@functools.cache
def _folder(part: str) -> pathlib.Path:
    spec = importlib.util.find_spec(f"aisle.{part}")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"aisle.{part} is not installed")
    return pathlib.Path(next(iter(spec.submodule_search_locations)))
