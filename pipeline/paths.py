"""Where a run's things lie below its output folder."""

from __future__ import annotations

import dataclasses
import posixpath


@dataclasses.dataclass(frozen=True)
class Layout:
    """The folders and files of one output folder, local or remote."""

    root: str

    @property
    def metadata(self) -> str:
        """ML Metadata's SQLite file."""
        return posixpath.join(self.root, "metadata.db")

    @property
    def artifacts(self) -> str:
        """TFX's artifacts."""
        return posixpath.join(self.root, "artifacts")

    @property
    def reports(self) -> str:
        """The reports people read."""
        return posixpath.join(self.root, "reports")

    @property
    def quarantine(self) -> str:
        """The rows that were not used, with their reasons."""
        return posixpath.join(self.root, "quarantine")

    @property
    def ads(self) -> str:
        """The campaigns that a gateway sells by, and what its chances are corrected by."""
        return posixpath.join(self.root, "ads")

    @property
    def baselines(self) -> str:
        """The statistics of blessed runs, for later ones to be compared with."""
        return posixpath.join(self.root, "baseline")

    @property
    def blessed(self) -> str:
        """A record of each blessed model, for the next one to be compared with."""
        return posixpath.join(self.root, "blessed")

    @property
    def logs(self) -> str:
        """TensorBoard's logs."""
        return posixpath.join(self.root, "logs")

    @property
    def checkpoints(self) -> str:
        """What a killed pretraining goes on from."""
        return posixpath.join(self.root, "checkpoints", "pretraining")

    @property
    def bert(self) -> str:
        """What was made of a BERT for the shop's texts."""
        return posixpath.join(self.root, "bert")

    @property
    def taught(self) -> str:
        """What another shop taught this one, as it was when the run began."""
        return posixpath.join(self.root, "taught")

    @property
    def pictures(self) -> str:
        """What was seen in pictures, by the hash of their content."""
        return posixpath.join(self.root, "pictures")

    @property
    def run_log(self) -> str:
        """What TFX logged."""
        return posixpath.join(self.root, "logs", "run.log")

    @property
    def serving(self) -> str:
        """The base folder of the served model's versions."""
        return posixpath.join(self.root, "serving", "aisle")

    @property
    def inventory(self) -> str:
        """The tables of forecasts and of what is low."""
        return posixpath.join(self.root, "inventory")

    @property
    def reviews(self) -> str:
        """The tables of what reviews say."""
        return posixpath.join(self.root, "reviews")

    @property
    def stack(self) -> str:
        """Names the stack whose artifacts lie here."""
        return posixpath.join(self.root, "stack.json")

    @property
    def lock(self) -> str:
        """Held while a run writes here."""
        return posixpath.join(self.root, ".lock")
