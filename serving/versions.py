"""The version folders of a served model, and the one that is loaded."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from typing import Any

import tensorflow as tf
import tensorflow_text  # noqa: F401  Registers the ops the served graph tokenises with.
from tensorflow.core.protobuf import saved_model_pb2

from aisle.schema.errors import AisleError, InputError

SAVED_MODEL = "saved_model.pb"


@dataclasses.dataclass(frozen=True)
class LoadedModel:
    """One version in memory; a request holds it until it is answered, whatever is loaded meanwhile."""

    version: int
    module: Any
    signature_defs: dict[str, Any]
    """Name to `SignatureDef`, as they lie in the file."""

    def signature(self, name: str) -> Any:
        """The callable of a signature; KeyError where there is none."""
        return self.module.signatures[name]


def version_folders(base: pathlib.Path) -> dict[int, pathlib.Path]:
    """The numeric folders below `base` that hold a SavedModel, by number, ascending."""
    if not base.is_dir():
        return {}
    # isdecimal alone would let through other scripts' digits, and int() reads them too.
    numbered = [entry for entry in base.iterdir() if entry.name.isascii() and entry.name.isdecimal()]
    whole = [entry for entry in numbered if (entry / SAVED_MODEL).is_file()]
    return {int(entry.name): entry for entry in sorted(whole, key=lambda entry: int(entry.name))}


def load(version: int, folder: pathlib.Path) -> LoadedModel:
    """Loads the SavedModel in `folder`; raises whatever TensorFlow raises."""
    saved = saved_model_pb2.SavedModel.FromString((folder / SAVED_MODEL).read_bytes())
    graph = next(graph for graph in saved.meta_graphs if "serve" in graph.meta_info_def.tags)
    module = tf.saved_model.load(str(folder))
    definitions = {name: graph.signature_def[name] for name in module.signatures}
    return LoadedModel(version, module, definitions)


class Versions:
    """Serves the highest version below a folder that loads."""

    def __init__(self, base: str | pathlib.Path) -> None:
        """Loads the newest version.

        Args:
            base: holds a folder for each version.

        Raises:
            InputError: `base` holds no version.
            AisleError: none of its versions loads.
        """
        self._base = pathlib.Path(base)
        self._failed: dict[int, tuple[int, str]] = {}
        self._current: LoadedModel | None = None
        if not version_folders(self._base):
            raise InputError(
                f"no model version in {self._base}; expected folders such as 1/ with a {SAVED_MODEL}: "
                "run `aisle run DATA --out DIR` first, or name a run's folder by --out"
            )
        self.refresh()
        if self._current is None:
            version, reason = max(self.failures.items())
            raise AisleError(f"no version in {self._base} can be loaded; version {version}: {reason}")

    @property
    def current(self) -> LoadedModel:
        """The version that answers now."""
        assert self._current is not None
        return self._current

    @property
    def failures(self) -> dict[int, str]:
        """Versions that could not be loaded, and why."""
        return {version: reason for version, (_, reason) in dict(self._failed).items()}

    def refresh(self) -> bool:
        """Loads the highest version that loads and swaps it in; True if it is another than before.

        Removing the newest folder thus rolls back. With no folder left the loaded version stays.
        """
        folders = version_folders(self._base)
        self._failed = {version: failure for version, failure in self._failed.items() if version in folders}
        for version in sorted(folders, reverse=True):
            if self._current is not None and version == self._current.version:
                return False
            loaded = self._try(version, folders[version])
            if loaded is not None:
                self._current = loaded
                return True
        return False

    def _try(self, version: int, folder: pathlib.Path) -> LoadedModel | None:
        """The loaded version, or None if it fails, or failed before and has not been written anew."""
        written = 0
        try:
            written = (folder / SAVED_MODEL).stat().st_mtime_ns
            if self._failed.get(version, (-1, ""))[0] == written:
                return None
            loaded = load(version, folder)
        except Exception as error:  # A broken model of any kind must not end the server.
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            logging.getLogger(__name__).error(
                "version %d can't be loaded, the old one stays: %s", version, reason
            )
            self._failed[version] = (written, reason)
            return None
        self._failed.pop(version, None)
        return loaded
