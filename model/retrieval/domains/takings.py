"""Who took what when, and what is asked of it: which item of a domain a user takes, by all that they took before."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from aisle.model.retrieval.co_occurrence import PAST_DECAY

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Takings:
    """What users took, by user and then by time.

    Example:
        >>> domains, twice = np.array([0, 1]), np.array([7, 7])
        >>> takings = Takings(twice, np.array([0, 1]), np.array([0, 1]), np.array([3.0, 4.0]), domains)
        >>> takings.count, takings.within(1).tolist()
        (2, [False, True])

    Attributes:
        users: numbers of users, ascending [e].
        items: rows of the catalogue [e].
        orders: numbers of a user's orders, ascending within the user [e].
        days: when, ascending within a user [e].
        domains: the domain of each item of the catalogue, by number [n].
    """

    users: Ints
    items: Ints
    orders: Ints
    days: Floats
    domains: Ints

    @property
    def count(self) -> int:
        """Items of the catalogue."""
        return len(self.domains)

    def within(self, domain: int) -> Bools:
        """Which of them are of a domain: [e]."""
        return np.asarray(self.domains[self.items] == domain, np.bool_)

    def only(self, kept: Bools) -> Takings:
        """Some of them: bool [e]."""
        return Takings(self.users[kept], self.items[kept], self.orders[kept], self.days[kept], self.domains)

    def by_user(self) -> sp.csr_matrix:
        """1 where a user took an item: [u, n]."""
        rows = np.unique(self.users, return_inverse=True)[1]
        shape = (int(rows.max(initial=0)) + 1, self.count)
        taken = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, self.items)), shape)
        taken.data[:] = 1.0
        return taken


@dataclasses.dataclass(frozen=True)
class Questions:
    """Which item of a domain comes next; a user asks once.

    Example:
        >>> one = np.array([7, 7, 7])  # A user who took item 0 twice, each time in an order, and then item 1.
        >>> takings = Takings(one, np.array([0, 0, 1]), np.arange(3), np.array([3.0, 4.0, 9.0]), np.array([0, 1]))
        >>> asked = last_items(takings, np.ones(3, bool), domain=1)
        >>> asked.wanted.tolist(), asked.days.tolist(), asked.histories().toarray().round(3).tolist()
        ([1], [9.0], [[1.7, 0.0]])

    Attributes:
        takings: all there are, those that are foretold among them.
        domain: of which the next item is asked.
        starts: the row of `takings` at which each user's begin [q].
        targets: the row that is foretold [q]: what the user took before it is known.
        hidden: rows that nothing may be learnt from [e].
    """

    takings: Takings
    domain: int
    starts: Ints
    targets: Ints
    hidden: Bools

    def part(self, rows: slice) -> Questions:
        """Some of the questions."""
        return dataclasses.replace(self, starts=self.starts[rows], targets=self.targets[rows])

    @property
    def learnt(self) -> Takings:
        """What may be learnt from."""
        return self.takings.only(~self.hidden)

    @property
    def days(self) -> Floats:
        """When each is asked [q]."""
        return self.takings.days[self.targets]

    @property
    def wanted(self) -> Ints:
        """The item that each user took [q]."""
        return self.takings.items[self.targets]

    def histories(self) -> sp.csr_matrix:
        """What each took before, what the latest order holds as 1 and each order before it PAST_DECAY as much: [q, n]."""
        lengths = self.targets - self.starts
        owner = np.repeat(np.arange(len(lengths)), lengths)
        place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows = np.repeat(self.starts, lengths) + place
        latest = self.takings.orders[np.maximum(self.targets - 1, 0)]
        ago = np.repeat(latest, lengths) - self.takings.orders[rows]
        shape = (len(lengths), self.takings.count)
        return sp.csr_matrix((PAST_DECAY ** np.maximum(ago, 0), (owner, self.takings.items[rows])), shape)


def last_items(takings: Takings, asked: Bools, domain: int) -> Questions:
    """Asks for the last item that users took in a domain; nothing else is hidden.

    Args:
        takings: what was taken.
        asked: the rows of the users that are asked [e].
        domain: whose items are asked for.
    """
    rows = np.flatnonzero(asked & takings.within(domain))
    targets = rows[np.diff(takings.users[rows], append=-1) != 0]
    hidden = np.zeros(len(asked), np.bool_)
    hidden[targets] = True
    return Questions(takings, domain, _starts(takings, targets), targets, hidden)


def first_items(takings: Takings, asked: Bools, domain: int) -> Questions:
    """Asks for the first item that users took in a domain to which they come from others; hides all they took in it.

    Args:
        takings: what was taken.
        asked: the rows of the users that are asked [e].
        domain: whose items are asked for.
    """
    rows = np.flatnonzero(asked & takings.within(domain))
    targets = rows[np.diff(takings.users[rows], prepend=-1) != 0]
    starts = _starts(takings, targets)
    later = starts < targets
    hidden = takings.within(domain) & np.isin(takings.users, takings.users[targets[later]])
    return Questions(takings, domain, starts[later], targets[later], hidden)


def _starts(takings: Takings, targets: Ints) -> Ints:
    return np.searchsorted(takings.users, takings.users[targets]).astype(np.int64)
