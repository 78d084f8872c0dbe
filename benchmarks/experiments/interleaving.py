"""How many sessions interleaving takes beside an A/B test, for the same power.

    python -m benchmarks.experiments.interleaving --check

The sessions are those of a simulated shop: its users' searches and home pages, and what they click by the simulator's truth,
from the top. A ranking is that of the shop's own search engine (what answers the query, what is popular, and an error), and a
better one errs less; half of the error both share, as versions of one model do. Two rankings are compared by both means: in the
A/B test every session sees one of them, interleaved it sees both. The same errors of both say whether interleaving is unbiased.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from aisle.datasets.simulator import SimulatorOptions
from aisle.datasets.simulator.behaviour import EXAMINATION, attraction
from aisle.datasets.simulator.catalogue import Ints
from aisle.datasets.simulator.relevance import grades
from aisle.datasets.simulator.shop import World, make_world
from aisle.datasets.simulator.slates import (
    GRADE_WEIGHT,
    NOISE,
    PAGE_SIZE,
    POPULARITY_WEIGHT,
    Impressions,
)
from aisle.experiments.interleaving import team_draft
from aisle.experiments.statistics.preference import preference
from aisle.experiments.statistics.sample import Floats
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

PAIRS = {"the same": (1.0, 1.0), "a little better": (1.0, 0.9), "better": (1.0, 0.75)}
"""The errors of both rankings, over that of the shop's own."""
VISITS_A_USER = 3.05
"""Of the days that are simulated."""
CHUNK = 2_000
"""Pages ranked at once: bounds the memory."""
NEEDED = (1.959963985 + 0.841621234) ** 2
"""Squared standard errors that an effect is apart from 0 for 80 % power at 5 %."""

FIGURES = (
    Figure(
        "times_fewer_sessions",
        lambda found: min(one["times"] for one in found["pairs"] if one["times"]),
        least=3,
    ),
    Figure("same_rankings_p", lambda found: found["pairs"][0]["p_value"], least=0.01),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, seeds=(1,))
    command.add_argument("--sessions", type=int, default=20_000)
    command.run(measure, {"interleaving": markdown})


def measure(told: argparse.Namespace, _scratch: pathlib.Path) -> Found:
    """What either means says of each pair of rankings."""
    seed = told.seeds[0]
    users = max(int(told.sessions / VISITS_A_USER), 10)
    world = make_world(SimulatorOptions(users=users, items=400, days=30, seed=seed))
    random = np.random.default_rng(seed)
    pairs = [{"pair": name, **_pair(world, errors, random)} for name, errors in PAIRS.items()]
    return {"sessions": len(np.unique(world.pages.visit)), "pairs": pairs}


def _pair(world: World, errors: tuple[float, float], random: np.random.Generator) -> Found:
    """The sessions that both means need, and what interleaving finds in those that there are."""
    told = _Sessions(world)
    for rows, rankings in _ranked(world, errors, random):
        for team, ranking in enumerate(rankings):
            chance = _chances(world, rows, ranking[:, :PAGE_SIZE])
            told.see(team, rows, chance, random.random(chance.shape) < chance)
        mixed = [
            team_draft(one, other, PAGE_SIZE, f"{errors} page {page}")
            for page, (one, other) in zip(rows.tolist(), np.stack(rankings, axis=1).tolist(), strict=True)
        ]
        chance = _chances(world, rows, np.array([one.items for one in mixed]))
        taken = random.random(chance.shape) < chance
        credits = [
            one.credit(item for item, clicked in zip(one.items, row, strict=True) if clicked)
            for one, row in zip(mixed, taken, strict=True)
        ]
        np.add.at(told.credits, told.session[rows], credits)
    return told.found(differ=errors[0] != errors[1])


class _Sessions:
    """What was clicked in each session.

    Attributes:
        session: [p] of each page.
        pages: [s] of each session.
        clicks: [s, 2] that either ranking alone got.
        expected: [s, 2] how many it was to get.
        credits: [s, 2] of both in one answer.
    """

    def __init__(self, world: World) -> None:
        _, self.session, self.pages = np.unique(world.pages.visit, return_inverse=True, return_counts=True)
        self.clicks, self.expected, self.credits = (np.zeros((len(self.pages), 2)) for _ in range(3))

    def see(self, team: int, rows: Ints, chance: Floats, clicked: npt.NDArray[np.bool_]) -> None:
        """Adds what a ranking got on some pages."""
        np.add.at(self.clicks[:, team], self.session[rows], clicked.sum(axis=1))
        np.add.at(self.expected[:, team], self.session[rows], chance.sum(axis=1))

    def found(self, differ: bool) -> Found:
        """The comparison."""
        said = preference(self.credits)
        signs = np.sign(self.credits[:, 1] - self.credits[:, 0])
        both = NEEDED * signs.var() / signs.mean() ** 2
        mean = self.expected.mean(axis=0)
        # Clicks a page: of a ratio the delta method takes out what comes of longer sessions.
        left = self.clicks - self.pages[:, None] * mean / self.pages.mean()
        # Two arms, each of twice the sessions over the squared effect.
        apart = 2 * NEEDED * left.var(axis=0).sum() / (mean[1] - mean[0]) ** 2
        return {
            "lead": said.lead.value,
            "p_value": said.p_value,
            "gain": mean[1] / mean[0] - 1,
            "ab_sessions": apart if differ else None,
            "sessions": both if differ else None,
            "times": apart / both if differ else None,
        }


def _ranked(
    world: World, errors: tuple[float, float], random: np.random.Generator
) -> Iterator[tuple[Ints, list[Ints]]]:
    """Some pages at a time, and both rankings of each, twice a page long: what one lacks the other has."""
    catalogue, pages = world.catalogue, world.pages
    items = np.arange(len(catalogue.leaf))
    department = catalogue.vocabulary.department_of_leaf
    for first in range(0, len(pages.visit), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(pages.visit)))
        wishes = (pages.noun[rows], pages.attribute[rows], pages.word[rows])
        searched = pages.searched[rows, None]
        known = GRADE_WEIGHT * grades(*wishes, catalogue, items) * searched
        known = known + POPULARITY_WEIGHT * catalogue.popularity
        # Who searches is answered from the department.
        other = department[pages.leaf[rows]][:, None] != department[catalogue.leaf]
        known[searched & other] = -np.inf
        shared = random.gumbel(size=known.shape)
        rankings = []
        for error in errors:
            noise = (shared + random.gumbel(size=known.shape)) / np.sqrt(2)
            best = np.argsort(-(known + error * NOISE * noise), axis=1)
            rankings.append(best[:, : 2 * PAGE_SIZE])
        yield rows, rankings


def _chances(world: World, rows: Ints, shown: Ints) -> Floats:
    """The chance that each item is clicked, [pages, places]."""
    pages, catalogue = world.pages, world.catalogue
    page, item = np.repeat(rows, shown.shape[1]), shown.ravel()
    position = np.tile(np.arange(1, shown.shape[1] + 1), len(rows))
    everything = np.arange(len(catalogue.leaf))
    grade = grades(pages.noun[rows], pages.attribute[rows], pages.word[rows], catalogue, everything)
    of_shown = np.take_along_axis(grade, shown, axis=1).ravel() * pages.searched[page]
    attractive = attraction(catalogue, world.people, pages, Impressions(page, item, position, of_shown))
    chance: Floats = (EXAMINATION[position - 1] * attractive).reshape(shown.shape)
    return chance


def markdown(found: Found) -> str:
    """A row a pair."""
    rows = [
        [
            one["pair"],
            f"{one['gain']:+.1%}",
            f"{one['lead']:+.4f} (p {one['p_value']:.2g})",
            *(f"{one[key]:,.0f}" if one[key] else "" for key in ("ab_sessions", "sessions")),
            f"{one['times']:.0f}" if one["times"] else "",
        ]
        for one in found["pairs"]
    ]
    head = [
        "second ranking",
        "clicks",
        "lead, interleaved",
        "sessions, A/B",
        "sessions, interleaved",
        "times fewer",
    ]
    return f"{found['sessions']:,} sessions each.\n\n{table(head, rows)}"


if __name__ == "__main__":
    main()
