"""A planted effect on its way through a gateway: processes that serve and assign, and simulated users who ask them over HTTP.

Some users come first, to a gateway without the experiment, and see what the control is to see; `aisle experiment plan` says by
the hour files of that gateway how many show the effect. So many others come to a gateway that has the experiment, whose answers
to the control are spoiled by the share that makes the effect; `aisle experiment analyze` reads what that gateway wrote. Then the
plan is held to account by redraws: what was shown stays, and what is clicked is drawn anew, by the truth, in experiments of as
many users.
"""

from __future__ import annotations

import asyncio
import collections
import json
import pathlib
import sys

import numpy as np
import numpy.typing as npt

from aisle.datasets.simulator import Planted
from aisle.datasets.simulator.walking.asked import Shop
from aisle.datasets.simulator.walking.shoppers import Shoppers, Visit
from aisle.datasets.simulator.walking.site import Site
from aisle.datasets.simulator.walking.walk import Seen, Walked, walk
from aisle.datasets.simulator.write import read_options
from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.experiments.statistics.effect import compare
from aisle.experiments.statistics.metric import Metric, Ratio
from aisle.experiments.statistics.sample import Sample
from aisle.schema.hashing import place_of
from benchmarks.experiments.commands import aisle
from benchmarks.serving.model_server import listening, serving
from benchmarks.shared.command import Found

VISITS_A_USER = 2
DRAWS = 100
"""Of what each user clicks, with and without the effect."""
METRIC = Metric("clicks an impression", Ratio("clicks", "shown"))
HALVES = Experiment("rerank", (Arm("as-is", 0.5), Arm("new", 0.5)))
FILE = """
[[experiment]]
name = "rerank"
arms = [{name = "as-is", share = 0.5}, {name = "new", share = 0.5}]

[[metric]]
name = "clicks an impression"
measure = {event = "click"}
over = {event = "impression"}
adjusted = false
"""
"""Nothing is known of these users before, so there is nothing to adjust by."""
Counts = npt.NDArray[np.int64]


def through_gateway(
    out: pathlib.Path,
    shop: pathlib.Path,
    scratch: pathlib.Path,
    effect: float,
    pilot: int,
    experiments: int,
    seed: int,
) -> Found:
    """Plans, walks and analyses; see the module.

    Args:
        out: a run's output.
        shop: that it has learnt from, simulated.
        scratch: a folder to be made.
        effect: that is planted and planned for.
        pilot: users by whom it is planned.
        experiments: redraws.
        seed: of the visits and the draws.
    """
    scratch.mkdir()
    file, options = scratch / "experiments.toml", read_options(shop)
    file.write_text(FILE, encoding="utf-8")
    shoppers = Shoppers(options, VISITS_A_USER * options.users, seed)
    visits = _by_user(shoppers)
    with serving(out) as server:
        first = _walked(server.target, scratch / "pilot", shoppers, visits[:pilot], effect)
        asked = ("--days", 1, "--effect", effect, "--json")
        plan = json.loads(aisle("experiment", "plan", scratch / "pilot", file, *asked))[0]
        if plan["users"] > len(visits) - pilot:
            raise RuntimeError(
                f"{plan['users']:,} users are planned; {shop} has {len(visits) - pilot:,} left"
            )
        theirs = visits[pilot : pilot + plan["users"]]
        then = _walked(server.target, scratch / "run", shoppers, theirs, effect, file)
    words = ("analyze", scratch / "run", file, "--out", scratch / "report", "--json")
    found = json.loads(aisle("experiment", *words, codes=(0, 3, 4)))
    row = found["metrics"][0]
    return {
        "planted": effect,
        "users": plan["users"],
        "exposed": {arm["arm"]: arm["users"] for arm in found["held"]["arms"]},
        "pages": len(then.seen),
        "failed": first.failed + then.failed,
        "outcome": found["outcome"],
        "relative": row["relative"],
        "interval": row["relative_interval"],
        "experiments": experiments,
        "power": _power([*first.seen, *then.seen], shoppers, effect, plan["users"], experiments, seed),
    }


def _by_user(shoppers: Shoppers) -> list[list[Visit]]:
    """The visits of each known user, in an order that has nothing to do with who comes when."""
    found = collections.defaultdict(list)
    for visit in shoppers.visits():
        if visit.user_id:
            found[visit.user_id].append(visit)
    return [
        found[user] for user in sorted(found, key=lambda user: place_of("who comes first", user.encode()))
    ]


def _walked(
    target: str,
    log: pathlib.Path,
    shoppers: Shoppers,
    visits: list[list[Visit]],
    effect: float,
    file: pathlib.Path | None = None,
) -> Walked:
    """Has users come to a gateway of their own, which has ended, and written all, when it returns."""
    assigned = ("--experiments", str(file)) if file else ()
    print(f"{len(visits):,} users come, {log.name} …", file=sys.stderr, flush=True)
    with listening("gateway", "--target", target, "--log", str(log), "--timeout", "60", *assigned) as gateway:
        shop = Shop(gateway.target, rate=1_000.0)
        site = Site(shop, shoppers, planted=Planted(HALVES, effect))
        ordered = sorted((visit for theirs in visits for visit in theirs), key=lambda visit: visit.number)
        found = asyncio.run(walk(ordered, site, shop, shoppers))
    if found.failed:
        print(f"{found.failed:,} visits failed: {found.reason}", file=sys.stderr, flush=True)
    return found


def _power(
    seen: list[Seen], shoppers: Shoppers, effect: float, users: int, experiments: int, seed: int
) -> dict[str, float]:
    """How often experiments of so many users find the effect, and how often they find one where there is none."""
    random = np.random.default_rng(seed)
    pages = collections.defaultdict(list)
    for page in seen:
        if page.items:
            pages[page.visit.user_id].append(shoppers.chances(page.look.page, page.items)[0])
    chances = [np.concatenate(theirs) for theirs in pages.values()]
    shown = np.array([len(one) for one in chances])
    flat, first = np.concatenate(chances), np.concatenate([[0], np.cumsum(shown)[:-1]])

    def draws(visible: float) -> Counts:
        """Clicks and items shown of each user, again and again, [draws * users, 2]."""
        drawn = ((random.random(len(flat)) < visible * flat).astype(np.int64) for _ in range(DRAWS))
        clicks = [np.add.reduceat(one, first) for one in drawn]
        return np.column_stack([np.concatenate(clicks), np.tile(shown, DRAWS)])

    control, treated = draws(1 / (1 + effect)), draws(1.0)

    def finds(one: Counts, other: Counts) -> bool:
        of_other = int(random.binomial(users, 0.5))
        samples = []
        for arm, size in ((one, users - of_other), (other, of_other)):
            drawn = arm[random.integers(len(arm), size=size)].astype(float)
            samples.append(Sample.of({"clicks": drawn[:, 0], "shown": drawn[:, 1]}))
        return compare(METRIC, *samples).difference.p_value < 0.05

    return {
        str(planted): float(np.mean([finds(control, arm) for _ in range(experiments)]))
        for planted, arm in ((effect, treated), (0.0, control))
    }
