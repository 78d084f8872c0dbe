"""An experiment: its arms, who takes part, and which arm each gets."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

from aisle.experiments.assignment.growthbook import Range, bucket_ranges, choose, place_v1, place_v2
from aisle.schema.errors import InputError
from aisle.schema.hashing import place_of

Hash = Literal["sha256", "growthbook-1", "growthbook-2"]
_PLACES: dict[str, Callable[[str, str], float]] = {
    # An id that came as bytes which aren't UTF-8 has its place, too.
    "sha256": lambda salt, unit: place_of(salt, unit.encode("utf-8", "surrogateescape")),
    "growthbook-1": place_v1,
    "growthbook-2": place_v2,
}


@dataclasses.dataclass(frozen=True)
class Arm:
    """What some of an experiment's users get. An arm that changes nothing is what all others get.

    Attributes:
        name: in exposures, events and reports.
        share: of the experiment's users; the arms' shares add up to 1.
        label: the version label that its requests go to.
        policy: the gateway's policy that answers them.
        settings: of the request, such as `{"exclude_seen": True}`.
    """

    name: str
    share: float
    label: str = ""
    policy: str = ""
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Assignment:
    """The arm that a unit gets.

    Attributes:
        experiment: its name.
        arm: what the unit gets.
        forced: somebody set it by hand, for a test: analysis leaves the unit out.
    """

    experiment: str
    arm: Arm
    forced: bool = False


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A comparison of arms, each user always in the same one.

    Example:
        >>> search = Experiment("rerank", (Arm("as-is", 0.5), Arm("new", 0.5, label="canary")), coverage=0.1)
        >>> assigned = search.assign("user-7")

    Raising `coverage` adds users and moves none. All other changes make another experiment (`fingerprint`), since they
    move users or give them something else midway.

    Attributes:
        name: unlike all others'.
        arms: two or more, the first of which is the control.
        coverage: the share of the slot's users who take part, from 0 to 1.
        layer: experiments of one layer exclude each other; without one it overlaps with all others, independently.
        slot: the part of the layer's users that this experiment may take, from and to below.
        salt: another one draws other users; by default the name.
        unit: the column whose value is assigned: `user_id` or `session_id`.
        hash: how a place is drawn; GrowthBook's agree with its SDKs, in steps of 0.001 and 0.0001.
        forced: units that get an arm by its name, whatever the draw, for a test.
        interleaved: who takes part gets both arms' rankings mixed in one answer, instead of one of them.

    Raises:
        InputError: one of them can't be used.
    """

    name: str
    arms: tuple[Arm, ...]
    coverage: float = 1.0
    layer: str = ""
    slot: Range = (0.0, 1.0)
    salt: str | None = None
    unit: str = "user_id"
    hash: Hash = "sha256"
    forced: Mapping[str, str] = dataclasses.field(default_factory=dict)
    interleaved: bool = False

    def __post_init__(self) -> None:
        for wrong, expected in self._checks():
            if wrong:
                raise InputError(f"the experiment {self.name!r}: {wrong}; expected {expected}")

    def _checks(self) -> list[tuple[str, str]]:
        """What came where it can't be used, else nothing, with what was expected."""
        names = [arm.name for arm in self.arms]
        shares = [arm.share for arm in self.arms]
        strange = [share for share in shares if not 0 < share < 1]
        sums = not strange and not math.isclose(math.fsum(shares), 1, abs_tol=1e-6)
        unknown = [arm for arm in self.forced.values() if arm not in names]
        start, end = self.slot
        return [
            ("it has no name" if not self.name else "", "one, such as 'rerank'"),
            (f"it has {len(names)} arms" if len(names) < 2 else "", "two or more"),
            (f"its arms are {names}" if len({*names, ""}) <= len(names) else "", "names that differ"),
            (f"an arm's share is {strange[0]!r}" if strange else "", "a number between 0 and 1, such as 0.5"),
            (
                f"its shares add up to {math.fsum(shares):g}" if sums else "",
                "1; `coverage` takes fewer users",
            ),
            (f"coverage is {self.coverage!r}" if not 0 <= self.coverage <= 1 else "", "a number from 0 to 1"),
            (
                f"slot is {self.slot!r}" if not 0 <= start < end <= 1 else "",
                "from and to, such as (0.0, 0.5)",
            ),
            (
                "it has a slot and no layer" if self.slot != (0, 1) and not self.layer else "",
                "a layer's name",
            ),
            (f"it interleaves {len(names)} arms" if self.interleaved and len(names) > 2 else "", "two"),
            (f"hash is {self.hash!r}" if self.hash not in _PLACES else "", f"one of {', '.join(_PLACES)}"),
            (f"it forces the arm {unknown[0]!r}" if unknown else "", f"one of {', '.join(names)}"),
        ]

    @functools.cached_property
    def ranges(self) -> list[Range]:
        """Each arm's range of places. It begins where it would at full coverage, so that raising that moves nobody."""
        return bucket_ranges(len(self.arms), self.coverage, [arm.share for arm in self.arms])

    @property
    def shares(self) -> dict[str, float]:
        """The planned share of each arm, by its name: what a sample ratio is held against."""
        return {arm.name: arm.share for arm in self.arms}

    @property
    def part(self) -> float:
        """The share of all users who take part."""
        return self.coverage * (self.slot[1] - self.slot[0])

    @property
    def seed(self) -> str:
        """What is hashed with each unit."""
        return self.name if self.salt is None else self.salt

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits, other ones where anything but `coverage` and `forced` is other.

        An exposure carries it, so that the analysis sees where an experiment was edited midway.
        """
        said = dataclasses.asdict(self)
        del said["coverage"], said["forced"]
        said["salt"] = self.seed
        if not self.interleaved:  # Of before there was this, it has the digits of before.
            del said["interleaved"]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:12]

    def assign(self, unit: str) -> Assignment | None:
        """The arm of a user (or of what `unit` names); None where it takes no part, as an empty id never does."""
        if not unit:
            return None
        if unit in self.forced:
            arm = next(arm for arm in self.arms if arm.name == self.forced[unit])
            return Assignment(self.name, arm, forced=True)
        if not self._in_slot(unit):
            return None
        drawn = choose(_PLACES[self.hash](self.seed, unit), self.ranges)
        return None if drawn is None else Assignment(self.name, self.arms[drawn])

    def _in_slot(self, unit: str) -> bool:
        if not self.layer:
            return True
        # GrowthBook places a namespace's users by version 1, whatever the experiment's own version is.
        place = _PLACES["sha256" if self.hash == "sha256" else "growthbook-1"]
        return self.slot[0] <= place(f"__{self.layer}", unit) < self.slot[1]
