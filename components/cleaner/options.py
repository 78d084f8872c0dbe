"""What the Cleaner may be told."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class CleanerOptions:
    """Options of the Cleaner."""
