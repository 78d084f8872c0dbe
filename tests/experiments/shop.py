"""A small shop whose users see an experiment, with an effect that is known."""

from __future__ import annotations

import numpy as np

from aisle.experiments.analysis.events import Events
from aisle.experiments.assignment.experiment import Experiment
from benchmarks.experiments.halves import HALVES


def events_of(rows: list[tuple[object, ...]]) -> Events:
    """Events by rows of unit, kind, day, value, experiment, arm and event id; what is left out is empty."""
    empty = ("", "", 0.0, np.nan, "", "", "")
    full = [row + empty[len(row) :] for row in rows]
    unit, kind, day, value, experiment, arm, event_id = zip(*full, strict=True)
    texts = [np.array(column, dtype=str) for column in (unit, kind, experiment, arm, event_id)]
    numbers = [np.array(column, dtype=float) for column in (day, value)]
    return Events(texts[0], texts[1], *numbers, *texts[2:])


def shop(users: int = 2_000, lift: float = 0.0, experiment: Experiment = HALVES, seed: int = 0) -> Events:
    """Users who buy before and after a first impression on a day of their own; the treatment clicks and buys more by a lift."""
    random = np.random.default_rng(seed)
    rows: list[tuple[object, ...]] = []
    for number in range(users):
        unit = f"user-{number}"
        assigned = experiment.assign(unit)
        if assigned is None:
            continue
        arm = assigned.arm.name
        likes = random.beta(2, 6) * (1 + lift * (arm == "new"))
        since = 10 + random.random()
        for before in range(int(random.poisson(8 * likes))):
            rows.append((unit, "purchase", since - 1 - before / 10, random.gamma(2, 10)))
        for shown in range(1 + int(random.poisson(4))):
            day = since + shown / 10
            rows.append((unit, "impression", day, np.nan, experiment.name, arm, f"{unit} {shown}"))
            if random.random() < likes:
                rows.append((unit, "click", day + 0.001))
            if random.random() < likes / 2:
                rows.append((unit, "purchase", day + 0.002, random.gamma(2, 10)))
    return events_of(rows)


def joined(*parts: Events) -> Events:
    """All events, one part after another."""
    return Events(*(np.concatenate([part.told[name] for part in parts]) for name in parts[0].told))
