"""Declares StatisticsGen."""

from __future__ import annotations

from tfx.dsl.components.base import executor_spec
from tfx.v1 import components

from aisle.components.statistics_gen.executor import Executor


class StatisticsGen(components.StatisticsGen):
    """The stock StatisticsGen, which leaves Beam out where all of it would run on this machine."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
