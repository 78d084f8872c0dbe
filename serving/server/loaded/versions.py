"""The versions of a model that are loaded: the newest, and those with a label."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Callable, Mapping

from aisle.schema.errors import AisleError, InputError
from aisle.schema.versions import SAVED_MODEL
from aisle.serving.releases.folders import require_version, version_folders
from aisle.serving.releases.labels import config_file, read_labels
from aisle.serving.server.loaded.loaded_model import LoadedModel, load


@dataclasses.dataclass(frozen=True)
class View:
    """What is served at one moment; never changed, another one takes its place."""

    newest: LoadedModel
    by_version: Mapping[int, LoadedModel]
    by_label: Mapping[str, LoadedModel]

    def __str__(self) -> str:
        labels = ", ".join(f"{label}: {model.version}" for label, model in sorted(self.by_label.items()))
        return f"version {self.newest.version}" + (f" ({labels})" if labels else "")


Prepare = Callable[[LoadedModel, pathlib.Path], object]


class Versions:
    """Serves the highest version below a folder that loads, and those that `models.config` labels."""

    def __init__(
        self, base: str | pathlib.Path, labelled: bool = True, prepare: Prepare = lambda *_: None
    ) -> None:
        """Loads the newest version and the labelled ones.

        Args:
            base: holds a folder for each version.
            labelled: False loads the newest alone.
            prepare: called with each version and its folder before it is served; what it raises keeps it out.

        Raises:
            InputError: `base` holds no version.
            AisleError: none of its versions loads.
        """
        self._base, self._prepare = pathlib.Path(base), prepare
        self._labels = _Labels(self._base) if labelled else None
        self._failed: dict[int, tuple[int, str]] = {}
        self._view: View | None = None
        require_version(self._base)
        self.refresh()
        if self._view is None:
            version, reason = max(self.failures.items())
            raise AisleError(f"no version in {self._base} can be loaded; version {version}: {reason}")

    @property
    def view(self) -> View:
        """What is served now; a request takes it once and keeps to it."""
        assert self._view is not None
        return self._view

    @property
    def current(self) -> LoadedModel:
        """The newest version, which answers who asks for none."""
        return self.view.newest

    @property
    def failures(self) -> dict[int, str]:
        """Versions that could not be loaded, and why."""
        return {version: reason for version, (_, reason) in dict(self._failed).items()}

    def refresh(self) -> bool:
        """Loads what is to be served and swaps it in; True if it is other than before.

        Removing the newest folder thus rolls back. With no folder left the loaded versions stay.
        """
        folders = version_folders(self._base)
        self._failed = {version: failure for version, failure in self._failed.items() if version in folders}
        loaded = dict(self._view.by_version) if self._view else {}
        found = (self._get(version, folders, loaded) for version in sorted(folders, reverse=True))
        before = self._view.newest if self._view else None
        newest = next((model for model in found if model is not None), before)
        if newest is None:
            return False
        by_label = {
            label: model
            for label, version in (self._labels.read() if self._labels else {}).items()
            if (model := self._get(version, folders, loaded)) is not None
        }
        view = View(newest, {model.version: model for model in (newest, *by_label.values())}, by_label)
        changed, self._view = view != self._view, view
        return changed

    def _get(
        self, version: int, folders: Mapping[int, pathlib.Path], loaded: dict[int, LoadedModel]
    ) -> LoadedModel | None:
        """The version from `loaded`, also where its folder is gone, or newly loaded into it; None if it can't be."""
        if version not in loaded and version in folders:
            model = self._try(version, folders[version])
            if model is not None:
                loaded[version] = model
        return loaded.get(version)

    def _try(self, version: int, folder: pathlib.Path) -> LoadedModel | None:
        """The loaded version, or None if it fails, or failed before and has not been written anew."""
        written = 0
        try:
            written = (folder / SAVED_MODEL).stat().st_mtime_ns
            if self._failed.get(version, (-1, ""))[0] == written:
                return None
            loaded = load(version, folder)
            self._prepare(loaded, folder)
        except Exception as error:  # A broken model of any kind must not end the server.
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            logging.getLogger(__name__).error(
                "version %d can't be loaded, what is served stays: %s", version, reason
            )
            self._failed[version] = (written, reason)
            return None
        self._failed.pop(version, None)
        return loaded


class _Labels:
    """The labels of a model, read again when their file changes."""

    def __init__(self, base: pathlib.Path) -> None:
        self._base = base
        self._read_as_of: tuple[int, int, int] | None = None
        self._labels: dict[str, int] = {}

    def read(self) -> dict[str, int]:
        """Labels to versions; those read last where the file can't be read."""
        try:
            stat = config_file(self._base).stat()
            written = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        except OSError:
            written = None
        if written != self._read_as_of:
            self._read_as_of = written
            try:
                self._labels = read_labels(self._base)
            except InputError as error:
                logging.getLogger(__name__).error("the labels stay as they were: %s", error)
        return self._labels
