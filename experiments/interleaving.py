"""Two rankings in one answer: each user compares both, so a fraction of an A/B test's users shows which is better.

Team-draft interleaving (Radlinski, Kurup and Joachims, 2008): in each round both teams choose the best item of theirs that
is left, who goes first is drawn anew, and what is clicked or bought is credited to the team that chose it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from aisle.schema.hashing import place_of

Item = TypeVar("Item", bound=Hashable)


@dataclasses.dataclass(frozen=True)
class Interleaved(Generic[Item]):
    """An answer of two rankings.

    Attributes:
        items: in the order to show.
        teams: of each, 0 or 1; None where both rankings had it next, or one was out of items: it credits nobody.
    """

    items: tuple[Item, ...]
    teams: tuple[int | None, ...]

    def credit(self, taken: Iterable[Item]) -> tuple[int, int]:
        """How many of the items that were clicked or bought either team chose; an item counts once."""
        chosen = dict(zip(self.items, self.teams, strict=True))
        teams = [chosen.get(item) for item in set(taken)]
        return teams.count(0), teams.count(1)


def team_draft(one: Sequence[Item], other: Sequence[Item], k: int, seed: str) -> Interleaved[Item]:
    """Interleaves two rankings.

    What both rank alike at the top, they get alike: such items credit nobody, so that only where they differ counts.

    Args:
        one: the control's items, best first.
        other: the treatment's.
        k: how many to show.
        seed: of the draws, such as experiment and request id: the same again gives the same answer.
    """
    shown: dict[Item, int | None] = {}
    while len(shown) < k:
        tops = [_next(ranking, shown) for ranking in (one, other)]
        left = [top for top in tops if top]
        if len(left) < 2 or tops[0] == tops[1]:
            if not left:
                break
            shown[left[0][0]] = None
            continue
        first = int(place_of(seed, str(len(shown)).encode()) >= 0.5)
        for team in (first, 1 - first)[: k - len(shown)]:
            shown[tops[team][0]] = team
    return Interleaved(tuple(shown), tuple(shown.values()))


def _next(ranking: Sequence[Item], shown: Mapping[Item, int | None]) -> tuple[Item, ...]:
    """The best item that isn't shown, alone; nothing where all are."""
    return next(((item,) for item in ranking if item not in shown), ())
