"""Next item of a domain on Food–Kitchen: the domain alone, with the other domain, and what both must beat.

    python -m benchmarks.domains.food_kitchen --source ../shared/data/food-kitchen [--check] [--results docs/domains.md]

2,000 users test: their last item of a domain is foretold from all that they took before it, among all items of the domain,
those they had masked; everything else trains. Of users who came to the domain from the other one the first item is foretold,
too, and all that they took in the domain is hidden. What sells is known up to the moment of each question. The weights
are learnt on the other users alone (`model/retrieval/domains/learning.py`, as a run does).
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt

from aisle.components.evaluator.measures.metrics import bootstrap_interval, paired_interval
from aisle.model.retrieval.domains.learning import Learnt, learn
from aisle.model.retrieval.domains.mixture import Known, Mixture
from aisle.model.retrieval.domains.takings import Bools, Ints, Questions, first_items, last_items
from benchmarks.domains.baselines import POPULARITY, baseline_ranks, popularity_ranks
from benchmarks.domains.sequences import DOMAINS, read, tested
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table, with_interval

K = 10
ALONE, WITH = "aisle, the domain alone", "aisle, with the other domain"
LAST, NEW = "last", "new"

Floats = npt.NDArray[np.float64]

FIGURES = (
    Figure("food_hr", lambda found: found["Food"][LAST]["systems"][WITH]["hr"], least=0.0430),
    Figure("kitchen_hr", lambda found: found["Kitchen"][LAST]["systems"][WITH]["hr"], least=0.0135),
    Figure("food_gain", lambda found: found["Food"][LAST]["gain"]["value"], least=0.0),
    Figure("kitchen_gain", lambda found: found["Kitchen"][LAST]["gain"]["value"], least=0.0),
    Figure("new_food_hr", lambda found: found["Food"][NEW]["systems"][WITH]["hr"], least=0.0357),
    Figure("new_kitchen_hr", lambda found: found["Kitchen"][NEW]["systems"][WITH]["hr"], least=0.0229),
)
"""Goals: the best baseline's hit rate, no loss by the other domain, and popularity's hit rate of users new to a domain."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="Food–Kitchen")
    command.run(measure, {"domains": markdown})


def measure(told: argparse.Namespace, _: pathlib.Path) -> dict[str, Any]:
    """Both domains: the weights, and every system; see `markdown` for the shape."""
    takings = read(told.source)
    test = np.isin(takings.users, tested(takings))
    found: dict[str, Any] = {"events": len(takings.users), "users": len(np.unique(takings.users))}
    for number, name in enumerate(DOMAINS):
        learnt = learn(takings.only(~test), number)
        print(f"{name}: {learnt}", flush=True)
        found[name] = {
            "mixture": _told(learnt.mixture),
            "from_other": [_direction(learnt)],
            LAST: _asked(last_items(takings, test, number), learnt),
            NEW: _asked(first_items(takings, test, number), learnt)
            | {"of_others": _popularity_of_others(first_items(takings, test, number), test)},
        }
    return found


def _told(mixture: Mixture) -> dict[str, Any]:
    return {"half_life": mixture.half_life, "always": mixture.always, "of": mixture.of.tolist()}


def _direction(learnt: Learnt) -> dict[str, float]:
    (one,) = learnt.directions
    return {"weight": one.weight, "gain": one.gain, "low": one.low, "questions": one.questions}


def _asked(questions: Questions, learnt: Learnt) -> dict[str, Any]:
    """Every system on some questions, and what the other domain gains."""
    ranks = baseline_ranks(questions)
    with_other = learnt.mixture
    (direction,) = learnt.directions
    known = Known.learn(questions)
    for name, mixture in ((ALONE, with_other.without(direction.source)), (WITH, with_other)):
        ranks[name] = _ranks(known, mixture)
    hit = {name: (rank < K).astype(np.float64) for name, rank in ranks.items()}
    return {
        "questions": len(questions.targets),
        "systems": {name: _record(rank) for name, rank in ranks.items()},
        "gain": _gain(hit[WITH], hit[ALONE]),
        "over_popularity": _gain(hit[WITH], hit[POPULARITY]),
    }


def _popularity_of_others(questions: Questions, test: Bools) -> float:
    """The hit rate of popularity learnt of the users who don't test alone: what the goal for new users was taken from."""
    ranks = popularity_ranks(dataclasses.replace(questions, hidden=test))
    return float((ranks < K).mean())


def _ranks(known: Known, mixture: Mixture) -> Ints:
    return np.concatenate([part.ranks(mixture) for part in known.blocks((mixture.half_life,))])


def _record(ranks: Ints) -> dict[str, Any]:
    hit = (ranks < K).astype(np.float64)
    value = hit / np.log2(ranks + 2.0)
    return {"hr": float(hit.mean()), "ndcg": float(value.mean()), "hr_ci": bootstrap_interval(hit)}


def _gain(ours: Floats, theirs: Floats) -> dict[str, Any]:
    return {"value": float((ours - theirs).mean()), "interval": paired_interval(ours, theirs)}


def markdown(found: dict[str, Any]) -> str:
    """The tables people read."""
    parts = [f"{found['users']:,} users, {found['events']:,} events; it took {found['minutes']} minutes."]
    for asked, what in (
        (LAST, "the last item of a user"),
        (NEW, "the first item of a user new to the domain"),
    ):
        of = {name: found[name][asked] for name in DOMAINS}
        heads = [f"{name}: HR@{K} / NDCG@{K}, {of[name]['questions']:,} users" for name in DOMAINS]
        systems = of[DOMAINS[0]]["systems"]
        rows = [
            (
                name,
                *(
                    f"{one['systems'][name]['hr']:.4f} / {one['systems'][name]['ndcg']:.4f}"
                    for one in of.values()
                ),
            )
            for name in systems
        ]
        parts += [f"Foretold is {what}:", table(("", *heads), rows)]
        parts += [f"{name}: {_gains(one)}" for name, one in of.items()]
    others = " and ".join(f"{found[name][NEW]['of_others']:.4f} ({name})" for name in DOMAINS)
    parts.append(f"Popularity of the users who don't test alone finds {others} of the first items.")
    for name in DOMAINS:
        (one,) = found[name]["from_other"]
        other = DOMAINS[1 - DOMAINS.index(name)]
        parts.append(
            f"{other} says of {name}: weight {one['weight']:g}, nDCG {one['gain']:+.5f} (lower end {one['low']:+.5f}) on "
            f"{one['questions']:,} questions of users who don't test."
        )
    return "\n\n".join(parts)


def _gains(asked: dict[str, Any]) -> str:
    return (
        f"with the other domain HR@{K} is {with_interval(**asked['gain'])} beside alone, and "
        f"{with_interval(**asked['over_popularity'])} beside popularity (95 %, paired bootstrap over users)."
    )


if __name__ == "__main__":
    main()
