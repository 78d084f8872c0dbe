"""Which version of the model a request goes to: the server's newest, a pinned one, or one by the user."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence

import numpy as np

from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.schema.contract import Signature, Tensor
from aisle.schema.errors import InputError
from aisle.serving.client.errors import BadAnswer
from aisle.serving.client.inputs import Tensors

Version = str | int | None
"""A label, a number, or the newest."""


@dataclasses.dataclass(frozen=True)
class Canary:
    """Sends a share of the users to another version, each user always to the same.

    Example:
        >>> Client("127.0.0.1:8500", canary=Canary(share=0.05))

    A larger share keeps the users of a smaller one. Requests without a user go to `otherwise`, and so do
    questions about none (`similar`). A batch whose users are of both versions is sent in two parts, one after
    the other, and answered in its order.

    It is a case of an experiment, `experiment`, whose arms are the two labels.

    Attributes:
        share: of the users, from 0 to 1.
        label: the version label of their requests.
        otherwise: that of all others.
        salt: another one draws other users.

    Raises:
        InputError: `share` is none, or a label is empty.
    """

    share: float
    label: str = "canary"
    otherwise: str = "stable"
    salt: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InputError(
                f"the canary's share is {self.share!r}; expected a number from 0 to 1, such as 0.05"
            )
        _check_label("the canary's label", self.label)
        _check_label("the canary's otherwise", self.otherwise)

    @functools.cached_property
    def experiment(self) -> Experiment | None:
        """What draws the users, the canary's arm first: assigned elsewhere by it, they are the same; None of no users, or all."""
        rest = 1 - self.share
        if not (0 < self.share < 1 and rest < 1):
            return None
        arms = Arm("canary", self.share, self.label), Arm("otherwise", rest, self.otherwise)
        return Experiment("canary", arms, salt=self.salt)

    def label_of(self, user_id: str) -> str:
        """The version label that a user's requests go to; "" is anonymous."""
        if self.experiment is None:
            return self.label if user_id and self.share == 1 else self.otherwise
        assigned = self.experiment.assign(user_id)
        return assigned.arm.label if assigned else self.otherwise

    def label_of_bytes(self, user_id: bytes) -> str:
        """`label_of` for an id in UTF-8."""
        return self.label_of(user_id.decode("utf-8", "surrogateescape"))


@dataclasses.dataclass(frozen=True)
class Route:
    """How a client chooses the version; at most one of the ways is given, none is the server's newest.

    Raises:
        InputError: more than one is given, or one can't be used.
    """

    label: str | None = None
    version: int | None = None
    canary: Canary | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("label", "version", "canary") if getattr(self, name) is not None]
        if len(given) > 1:
            raise InputError(f"{' and '.join(given)} came together; give one of them")
        if self.label is not None:
            _check_label("label", self.label)
        number = self.version
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
            raise InputError(f"version is {number!r}; expected a version's number, such as 7")

    def parts(self, inputs: Tensors) -> list[tuple[Version, np.ndarray]]:
        """Each version that is asked, and the rows of the batch that go to it, ascending."""
        users = np.ravel(inputs.get("user_id", np.empty(0, object)))
        if self.canary is None:
            return [(self.label if self.label is not None else self.version, np.arange(len(users)))]
        labels = [self.canary.label_of_bytes(user) for user in users]
        return [
            (version, np.flatnonzero([label == version for label in labels]))
            for version in dict.fromkeys(labels or [self.canary.otherwise])
        ]


def take_rows(signature: Signature, inputs: Tensors, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs of those rows of a batch."""
    batched = _batched(signature.inputs)
    return {name: value[rows] if name in batched else value for name, value in inputs.items()}


def merge_rows(signature: Signature, parts: Sequence[tuple[np.ndarray, Tensors]]) -> dict[str, np.ndarray]:
    """The outputs of a batch that was answered in parts, each with its rows.

    Raises:
        BadAnswer: the parts don't fit each other, or their rows.
    """
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    batched = _batched(signature.outputs)
    merged = {}
    for name, first in parts[0][1].items():
        if name not in batched:
            merged[name] = first
            continue
        values = [outputs.get(name, np.empty(())) for _, outputs in parts]
        expected = [(len(rows), *first.shape[1:]) for rows, _ in parts]
        if [value.shape for value in values] != expected:
            raise BadAnswer(
                f"two versions answered the parts of a batch with {name!r} of shapes "
                f"{[list(value.shape) for value in values]}, which make no whole"
            )
        merged[name] = np.concatenate(values)[order]
    return merged


def _batched(tensors: Iterable[Tensor]) -> set[str]:
    return {tensor.name for tensor in tensors if tensor.shape.split(",")[0] == "b"}


def _check_label(name: str, label: object) -> None:
    if not isinstance(label, str) or not label:
        raise InputError(f"{name} is {label!r}; expected a version label, such as 'stable'")
