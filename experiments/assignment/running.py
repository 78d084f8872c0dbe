"""The experiments that run side by side: none takes another's users within a layer, none depends on another's draw."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Mapping

from aisle.experiments.assignment.experiment import Assignment, Experiment
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Running:
    """All experiments of a shop.

    Raises:
        InputError: two have one name or one salt, or take the same users of a layer.
    """

    experiments: tuple[Experiment, ...]

    def __post_init__(self) -> None:
        for one, other in itertools.combinations(self.experiments, 2):
            if wrong := _clash(one, other):
                raise InputError(f"the experiments {one.name!r} and {other.name!r} {wrong}")

    def assign(self, units: Mapping[str, str]) -> list[Assignment]:
        """The arms of a request.

        Args:
            units: what is known of who asks, by column: `{"user_id": "u7", "session_id": "s3"}`.
        """
        drawn = (experiment.assign(units.get(experiment.unit, "")) for experiment in self.experiments)
        return [assignment for assignment in drawn if assignment is not None]

    @property
    def free(self) -> dict[str, float]:
        """The share of each layer's users that no experiment may take yet."""
        taken: dict[str, float] = collections.defaultdict(float)
        for experiment in self.experiments:
            if experiment.layer:
                taken[experiment.layer] += experiment.slot[1] - experiment.slot[0]
        return {layer: 1 - share for layer, share in taken.items()}


def _clash(one: Experiment, other: Experiment) -> str:
    """Why two can't run side by side; nothing where they can."""
    if one.name == other.name:
        return "have one name; give each its own"
    if one.seed == other.seed:
        return f"have one salt, {one.seed!r}: their arms would hold the same users; give each its own"
    if not one.layer or one.layer != other.layer:
        return ""
    if (one.unit, one.hash) != (other.unit, other.hash):
        return f"share the layer {one.layer!r} and differ in unit or hash, so they can't exclude each other"
    if max(one.slot[0], other.slot[0]) < min(one.slot[1], other.slot[1]):
        return f"take the same users of the layer {one.layer!r}: slots {one.slot} and {other.slot}; part them"
    return ""


def edited(before: Experiment, after: Experiment) -> list[str]:
    """What of a running experiment was changed that makes it another one; empty where only `coverage` grew.

    Users who were assigned before and after it are in two experiments: end the one and begin the other.
    """
    fields = [field.name for field in dataclasses.fields(Experiment)]
    changed = [name for name in fields if getattr(before, name) != getattr(after, name)]
    allowed = {"forced"} | ({"coverage"} if after.coverage > before.coverage else set())
    return [name for name in changed if name not in allowed]
