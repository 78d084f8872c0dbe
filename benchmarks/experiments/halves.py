"""The experiment of two halves that benchmarks and tests run, as a record and as a file."""

from __future__ import annotations

from aisle.experiments.assignment.experiment import Arm, Experiment

HALVES = Experiment("rerank", (Arm("as-is", 0.5), Arm("new", 0.5, label="canary")))
FILE = """
[[experiment]]
name = "rerank"
arms = [{name = "as-is", share = 0.5}, {name = "new", share = 0.5, label = "canary"}]
"""
PURCHASES = """
[[metric]]
name = "purchases a user"
measure = {event = "purchase"}
"""
