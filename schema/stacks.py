"""The two sets of versions that `aisle` runs on, parted by Python's version.

`pyproject.toml` names their packages, `requirements-NAME.lock` every version and hash, and `bootstrap.sh` takes the one
that a machine can have; a test holds the three against this.
"""

from __future__ import annotations

import dataclasses
import sys


@dataclasses.dataclass(frozen=True)
class Stack:
    """Versions that work together.

    Example:
        >>> from aisle.schema.stacks import MODERN, stack_of
        >>> stack_of((3, 13)) is MODERN
        True
    """

    name: str
    pythons: tuple[tuple[int, int], ...]
    """Of CPython, as (major, minor)."""
    glibc: tuple[int, int]
    """The oldest that its wheels load on."""
    tfx: str
    tensorflow: str

    def __str__(self) -> str:
        return f"the {self.name} stack (TFX {self.tfx}, TensorFlow {self.tensorflow})"


MODERN = Stack("modern", ((3, 12), (3, 13)), (2, 38), "1.21.0", "2.21.0")
OLD = Stack("old", ((3, 10),), (2, 31), "1.16.0", "2.16.2")
STACKS = (MODERN, OLD)
"""The better one first."""


def stack_of(version: tuple[int, ...] = sys.version_info[:2]) -> Stack | None:
    """The stack of a version of Python, by default this one's; None where no stack has it.

    Args:
        version: (major, minor) and perhaps more.
    """
    return next((stack for stack in STACKS if version[:2] in stack.pythons), None)


def pythons() -> str:
    """The versions of CPython that have a stack, for people: "3.10, 3.12 or 3.13"."""
    versions = sorted(version for stack in STACKS for version in stack.pythons)
    *most, last = [f"{major}.{minor}" for major, minor in versions]
    return f"{', '.join(most)} or {last}"
