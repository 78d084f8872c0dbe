"""What users took, in order, packed into rows of one length: what the order of histories is learnt from."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.two_tower.inputs import Catalogue, Queries

LONGEST = 64
"""Of a history its latest items are read in order, and a longer one is learnt from in pieces of so many."""
NONE = -1
"""The segment of a place that holds nothing, and the target of one that is followed by nothing."""

Ints = npt.NDArray[np.int32]


@dataclasses.dataclass(frozen=True)
class Packed:
    """Sequences beside each other in rows: histories are short, and padding would cost more than they do.

    Example:
        >>> packed = pack([np.array([7, 8, 9], np.int32), np.array([5, 6], np.int32)], np.random.default_rng(1))
        >>> sorted(packed.ids[0, :5].tolist()), packed.segments[0, :6].tolist()
        ([5, 6, 7, 8, 9], [0, 0, 0, 1, 1, -1])

    Attributes:
        ids: of the items, int32 [rows, LONGEST]; 0 pads.
        segments: which sequence of its row each belongs to, the same; NONE pads.
        targets: the item that was taken next, the same; NONE at the end of a sequence.
    """

    ids: Ints
    segments: Ints
    targets: Ints


def sequences_of(queries: Queries, catalogue: Catalogue, users: int) -> list[Ints]:
    """The ids of what each known user took, oldest first, in pieces of 2 to LONGEST items, the last one full.

    Args:
        queries: of any users, in any order.
        catalogue: what they took.
        users: the size of their vocabulary, whose last id is that of unknown ones.
    """
    user = queries.features["user_id"].numpy().ravel()
    order = np.lexsort((-queries.age, user))
    order = order[user[order] < users - 1]
    taken = tf.gather(queries.targets, order)
    ids = tf.gather(catalogue.features["item_id"], taken.values).numpy().astype(np.int32)
    begins = np.flatnonzero(np.diff(np.repeat(user[order], taken.row_lengths().numpy()), prepend=NONE))
    pieces: list[Ints] = []
    for sequence in np.split(ids, begins[1:]):
        first = len(sequence) % LONGEST
        pieces += np.split(sequence, np.arange(first, len(sequence), LONGEST)) if len(sequence) else []
    return [piece for piece in pieces if len(piece) > 1]


def pack(sequences: list[Ints], rng: np.random.Generator) -> Packed:
    """Puts sequences into rows in a random order; one that no longer fits begins the next row.

    Args:
        sequences: of at most LONGEST items each, at least one.
        rng: of the order.
    """
    sequences = [sequences[number] for number in rng.permutation(len(sequences))]
    lengths = np.array([len(sequence) for sequence in sequences])
    row, segment, start = np.zeros((3, len(sequences)), np.int64)
    at = used = place = 0
    for number, length in enumerate(lengths.tolist()):
        if used + length > LONGEST:
            at, used, place = at + 1, 0, 0
        row[number], segment[number], start[number] = at, place, used
        used, place = used + length, place + 1
    ends = np.cumsum(lengths)
    cells = np.repeat(row * LONGEST + start - (ends - lengths), lengths) + np.arange(ends[-1])
    ids = np.zeros((at + 1) * LONGEST, np.int32)
    segments, targets = np.full((2, len(ids)), NONE, np.int32)
    ids[cells] = np.concatenate(sequences)
    segments[cells] = np.repeat(segment, lengths)
    targets[:-1] = np.where((segments[1:] == segments[:-1]) & (segments[1:] != NONE), ids[1:], NONE)
    targets[LONGEST - 1 :: LONGEST] = NONE  # What follows is another row.
    return Packed(*(values.reshape(-1, LONGEST) for values in (ids, segments, targets)))
