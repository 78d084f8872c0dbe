"""Why a canary is not blessed."""

from __future__ import annotations


class CanaryFailure(Exception):
    """The served model does not load, answers otherwise than in memory, or is too slow."""
