"""What a shop's run leaves for another to start from: weights and statistics, no id of an item or a user."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import zipfile

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.schema.contract import EXTRA_FOLDER, TAUGHT_FILE
from aisle.schema.errors import InputError

Cells = npt.NDArray[np.float32]
FORMAT = 1
"""Of the file; another is of another version of aisle."""


@dataclasses.dataclass(frozen=True)
class HeadWeights:
    """The part of a ranking head that reads numbers.

    Example:
        >>> weights = [np.ones((3, 4), np.float32), np.zeros(4, np.float32)]
        >>> head = HeadWeights(("count",), np.array([[0.0, 1.0]], np.float32), [weights])
        >>> head.width
        4

    Attributes:
        numbers: the names of what it reads, in order.
        edges: of the bins of each, [F, T + 1].
        members: the weights of each head of the ensemble, as its model lists them.
    """

    numbers: tuple[str, ...]
    edges: Cells
    members: list[list[Cells]]

    @property
    def width(self) -> int:
        """Of the first hidden layer."""
        return int(self.members[0][0].shape[1])


@dataclasses.dataclass(frozen=True)
class Content:
    """What an item's content said of it there: linear in its text's embedding and its price's place.

    Example:
        >>> content = Content("", worth=np.array([1.0, 0.0, 2.0, 0.0, 0.5], np.float32))
        >>> content.text_width
        2

    Attributes:
        encoder: what the text encoder's vocabulary is known by.
        worth: of the log of how often an item was taken: of the text, the price's place, its square, and 1; [t + 3].
    """

    encoder: str
    worth: Cells

    @property
    def text_width(self) -> int:
        """Of the embedding."""
        return len(self.worth) - 3


@dataclasses.dataclass(frozen=True)
class Following:
    """What was taken next in a visit there, by what it had in common with the item before.

    Example:
        >>> following = Following(("category", "brand"), np.array([3.25, -0.5], np.float32))
        >>> dict(zip(following.alike, following.weights.tolist()))  # The same category, and another brand.
        {'category': 3.25, 'brand': -0.5}

    Attributes:
        alike: the names of what items have in common.
        weights: of each, in the log odds of being taken next [F].
    """

    alike: tuple[str, ...]
    weights: Cells


@dataclasses.dataclass(frozen=True)
class Taught:
    """All that a shop teaches.

    Example:
        >>> content = Content("", worth=np.array([1.0, 0.0, 0.0], np.float32))  # Of texts that nobody read.
        >>> taught = Taught(head=None, content=content)
        >>> taught.content.text_width
        0

    Attributes:
        head: None where its head learnt nothing of recommendations.
        content: None where there was too little to learn it of.
        following: the same.
    """

    head: HeadWeights | None
    content: Content | None
    following: Following | None = None

    def write(self, folder: str) -> None:
        """Writes it beside a model: into the `assets.extra` of its folder."""
        arrays: dict[str, np.ndarray] = {}
        told: dict[str, object] = {"format": FORMAT}
        if self.head is not None:
            arrays["edges"] = self.head.edges
            told["numbers"] = self.head.numbers
            told["members"] = [len(member) for member in self.head.members]
            for place, member in enumerate(self.head.members):
                arrays |= {f"head_{place}_{n}": weights for n, weights in enumerate(member)}
        if self.content is not None:
            arrays["worth"] = self.content.worth
            told["encoder"] = self.content.encoder
        if self.following is not None:
            arrays["next"] = self.following.weights
            told["alike"] = self.following.alike
        buffer = io.BytesIO()
        np.savez(buffer, told=np.array(json.dumps(told)), **arrays)  # type: ignore[arg-type]
        extra = os.path.join(folder, EXTRA_FOLDER)
        tf.io.gfile.makedirs(extra)
        with tf.io.gfile.GFile(os.path.join(extra, TAUGHT_FILE), "wb") as file:
            file.write(buffer.getvalue())

    @staticmethod
    def read(path: str) -> Taught:
        """Reads the file that a run wrote.

        Raises:
            InputError: it is damaged, or of another version.
        """
        try:
            with tf.io.gfile.GFile(path, "rb") as file:
                found = np.load(io.BytesIO(file.read()), allow_pickle=False)
            told = json.loads(str(found["told"]))
            if told["format"] == FORMAT:
                return Taught(_head(told, found), _content(told, found), _following(told, found))
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, tf.errors.OpError) as error:
            raise InputError(
                f"what another shop teaches can't be read from {path} ({type(error).__name__}): run aisle on that shop again"
            ) from error
        raise InputError(
            f"what another shop teaches is in form {told['format']} in {path}, and this version of aisle reads {FORMAT}: run "
            "this version on that shop again"
        )


def _head(told: dict[str, list[str]], found: dict[str, np.ndarray]) -> HeadWeights | None:
    if "numbers" not in told:
        return None
    members = [
        [np.asarray(found[f"head_{place}_{n}"], np.float32) for n in range(int(count))]
        for place, count in enumerate(told["members"])
    ]
    return HeadWeights(tuple(told["numbers"]), np.asarray(found["edges"], np.float32), members)


def _content(told: dict[str, str], found: dict[str, np.ndarray]) -> Content | None:
    if "encoder" not in told:
        return None
    return Content(told["encoder"], np.asarray(found["worth"], np.float32))


def _following(told: dict[str, list[str]], found: dict[str, np.ndarray]) -> Following | None:
    if "alike" not in told:
        return None
    return Following(tuple(told["alike"]), np.asarray(found["next"], np.float32))
