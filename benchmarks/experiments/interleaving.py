"""How many sessions interleaving takes beside an A/B test, for the same power.

    python -m benchmarks.experiments.interleaving --check

Each session has items that its user likes more or less, and a user who clicks much or little. A ranking knows the liking with an
error, half of which both rankings share, as versions of one model do; the user looks at the first place, and at each further one
with a chance that falls, and clicks by liking. Two rankings are compared by both means: in the A/B test every session sees one
of them, interleaved it sees both. It is a made-up shop, not the simulated one: the same
errors of both rankings say whether interleaving is unbiased.
"""

from __future__ import annotations

import argparse
import pathlib

import numpy as np

from aisle.experiments.interleaving import team_draft
from aisle.experiments.statistics.preference import preference
from aisle.experiments.statistics.sample import Floats
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

ITEMS, SHOWN = 50, 10
LOOKS = 1 / np.log2(np.arange(SHOWN) + 2)
"""The chance to look at each place."""
PAIRS = {"the same": (1.0, 1.0), "a little better": (1.0, 0.9), "better": (1.0, 0.8)}
"""The errors of both rankings' scores, in standard deviations of the liking."""
ACTIVITY = 1.5
"""How much users differ in how readily they click: the standard deviation of its logarithm of odds."""
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
    random = np.random.default_rng(told.seeds[0])
    return {
        "sessions": told.sessions,
        "pairs": [{"pair": name, **_pair(errors, told.sessions, random)} for name, errors in PAIRS.items()],
    }


def _pair(errors: tuple[float, float], sessions: int, random: np.random.Generator) -> Found:
    """The sessions that both means need, and what interleaving finds in so many."""
    clicks, credits = np.zeros((sessions, 2)), np.zeros((sessions, 2))
    for session in range(sessions):
        liking, shared, ease = (
            random.normal(size=ITEMS),
            random.normal(size=ITEMS),
            random.normal() * ACTIVITY,
        )
        rankings = [
            np.argsort(-(liking + error * (shared + random.normal(size=ITEMS)) / np.sqrt(2))).tolist()
            for error in errors
        ]
        liking = liking + ease
        clicks[session] = [len(_clicked(ranking[:SHOWN], liking, random)) for ranking in rankings]
        mixed = team_draft(rankings[0], rankings[1], SHOWN, f"session {session}")
        credits[session] = mixed.credit(_clicked(list(mixed.items), liking, random))
    found = preference(credits)
    signs = np.sign(credits[:, 1] - credits[:, 0])
    both = NEEDED * signs.var() / signs.mean() ** 2
    effect = clicks[:, 1].mean() - clicks[:, 0].mean()
    # Two arms, each of twice the sessions over the squared effect.
    apart = 2 * NEEDED * clicks.var(axis=0).sum() / effect**2
    differ = errors[0] != errors[1]
    return {
        "lead": found.lead.value,
        "p_value": found.p_value,
        "gain": effect / clicks[:, 0].mean(),
        "ab_sessions": apart if differ else None,
        "sessions": both if differ else None,
        "times": apart / both if differ else None,
    }


def _clicked(shown: list[int], liking: Floats, random: np.random.Generator) -> list[int]:
    """The items that are looked at and liked enough."""
    chance = LOOKS / (1 + np.exp(2 - liking[shown]))
    return [item for item, clicked in zip(shown, random.random(len(shown)) < chance, strict=True) if clicked]


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
