"""What a training leaves beside its model."""

from __future__ import annotations

HISTORY_FILE = "history.json"
"""In the folder of a training's run: its curves by name, a number an epoch."""
