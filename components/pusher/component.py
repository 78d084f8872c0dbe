"""Declares Pusher."""

from __future__ import annotations

from tfx.dsl.components.base import executor_spec
from tfx.v1 import components

from aisle.components.pusher.executor import Executor


class Pusher(components.Pusher):
    """The stock Pusher, with an executor whose new version appears at once and is always the highest."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
