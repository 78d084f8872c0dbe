"""Whether an A/B test of a simulated shop finds the effect that was planted, as often as its plan says.

    python -m benchmarks.experiments.planted --check

`aisle simulate --experiment` writes a shop whose second arm sells 15 % more, `aisle experiment plan` says by the days before it how
many users would show 5 %, and `aisle experiment analyze` judges the 15 %, each as a user runs it. Then that plan is held to
account: experiments of as many users as it says, who do what the simulator's truth says of them, again and again, with 5 % and
without an effect. A user of these is one of the shop's and one of many draws of what they buy.

The other part goes the whole way through real processes: `aisle serve`, `aisle gateway` and simulated users who ask it
(`walked`). `--out` and `--shop` are of a run on a simulated shop; without them one of 20,000 users is made, and a model trained.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from aisle.datasets.simulator import EXPERIMENT_TRUTH, Planted, SimulatorOptions
from aisle.datasets.simulator.truth import PurchaseTruth
from aisle.experiments.statistics.effect import compare
from aisle.experiments.statistics.metric import Mean, Metric
from aisle.experiments.statistics.sample import Sample
from benchmarks.experiments.commands import aisle
from benchmarks.experiments.halves import FILE, HALVES, PURCHASES
from benchmarks.experiments.walked import through_gateway
from benchmarks.live.processes import make_run
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

USERS, DAYS, PERIOD = 8_000, 42, 14
"""Three periods: what the plan's CUPED knows, what it rehearses, and the experiment. December is busier than all else, so they
are short: a plan is right where its days are like those to come."""
DAYS_BEFORE = 84
"""Of CUPED, as in the analysis."""
PLANNED, WRITTEN = 0.05, 0.15
"""The effect that is planned for, and the one in the files, which their fewer users show for sure."""
DRAWS = 300
METRIC = Metric("purchases a user", Mean("outcome"), (Mean("before"),))
Counts = npt.NDArray[np.int32]

PARTS = ("files", "gateway")
WALKERS = ("--users", "20000", "--items", "300", "--days", "60", "--events", "60000")
"""Enough users to come, and few events to learn from."""


def _of(part: str, take: Callable[[Found], float]) -> Callable[[Found], float | None]:
    """A figure of a part; None where that wasn't measured."""
    return lambda found: take(found[part]) if part in found else None


FIGURES = (
    Figure("power", _of("files", lambda found: found["rates"][str(PLANNED)]), least=0.75, most=0.85),
    Figure("false_positives", _of("files", lambda found: found["rates"]["0.0"]), least=0.035, most=0.065),
    Figure("found_in_files", _of("files", lambda found: float(found["outcome"] == "better")), least=1),
    Figure("interval_holds_the_effect", _of("files", lambda found: float(_holds(found))), least=1),
    Figure("planned_users", _of("files", lambda found: found["users"])),
    Figure(
        "gateway_power",
        _of("gateway", lambda found: found["power"][str(found["planted"])]),
        least=0.7,
        most=0.9,
    ),
    Figure(
        "gateway_false_positives", _of("gateway", lambda found: found["power"]["0.0"]), least=0.03, most=0.07
    ),
    Figure("gateway_errors_apart", _of("gateway", lambda found: _errors_apart(found)), most=3.3),
    Figure("gateway_trusted", _of("gateway", lambda found: float(found["outcome"] != "untrusted")), least=1),
    Figure("gateway_failed", _of("gateway", lambda found: found["failed"]), most=0),
    Figure("gateway_users", _of("gateway", lambda found: found["users"])),
)
"""One experiment may miss its effect, as one in five is planned to: how far it is from it, in standard errors, is held."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, seeds=(1,))
    command.add_argument("--experiments", type=int, default=4_000)
    command.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    command.add_argument("--out", type=pathlib.Path, help="output folder of `aisle run`, for the gateway")
    command.add_argument("--shop", type=pathlib.Path, help="the simulated shop that it has learnt from")
    command.add_argument("--effect", type=float, default=PLANNED, help="planted in the gateway's answers")
    command.add_argument("--pilot", type=int, default=1_000, help="users by whom it is planned")
    command.run(measure, {"planted": markdown, "planted-gateway": of_gateway})


def measure(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """What was found by part."""
    found: Found = {}
    if "files" in told.parts:
        found["files"] = _files(told, scratch)
    if "gateway" in told.parts:
        out = told.out or make_run(scratch, WALKERS)
        shop = told.shop or scratch / "shop"
        sizes = (told.effect, told.pilot, told.experiments, told.seeds[0])
        found["gateway"] = through_gateway(out, shop, scratch / "gateway", *sizes)
    return found


def _files(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """What the commands say of the files, and how often experiments of the planned size find something."""
    files = _commands(told.seeds[0], scratch / "files")
    random = np.random.default_rng(told.seeds[0])
    control, treated = _draws(told.seeds[0])
    arms = {0.0: control, PLANNED: treated}
    return {
        **files,
        "experiments": told.experiments,
        "drawn_effect": float(treated[:, 1].mean() / control[:, 1].mean() - 1),
        "rates": {
            str(effect): float(
                np.mean([_finds(control, arm, files["users"], random) for _ in range(told.experiments)])
            )
            for effect, arm in arms.items()
        },
    }


def _commands(seed: int, scratch: pathlib.Path) -> Found:
    """From `simulate` through `plan` to `analyze`, by files."""
    scratch.mkdir()
    file, shop, past = scratch / "experiments.toml", scratch / "shop", scratch / "past"
    file.write_text(FILE + PURCHASES, encoding="utf-8")
    sizes = ("--users", USERS, "--days", DAYS, "--seed", seed)
    aisle("simulate", shop, *sizes, "--experiment", file, "--effect", WRITTEN, "--experiment-days", PERIOD)
    truth = json.loads((shop / EXPERIMENT_TRUTH).read_text(encoding="utf-8"))
    (past / "events").mkdir(parents=True)
    for day in sorted((shop / "events").iterdir()):
        if day.stem < truth["first_day"]:
            (past / "events" / day.name).hardlink_to(day)
    asked = ("--days", PERIOD, "--effect", PLANNED, "--json")
    plan = json.loads(aisle("experiment", "plan", past, file, *asked))[0]
    found = json.loads(aisle("experiment", "analyze", shop, file, "--out", scratch / "out", "--json"))
    row = found["metrics"][0]
    return {
        "users": plan["users"],
        "planted": truth["arms"]["new"]["effect"],
        "outcome": found["outcome"],
        "relative": row["relative"],
        "interval": row["relative_interval"],
        "exposed": sum(arm["users"] for arm in truth["arms"].values()),
    }


def _draws(seed: int) -> tuple[Counts, Counts]:
    """Purchases before and after the exposure without and with the effect, [draws × users, 2] each, of one shop."""
    options = SimulatorOptions(users=USERS, days=DAYS, seed=seed)
    truth = PurchaseTruth(options, Planted(HALVES, PLANNED, PERIOD))

    def draws(effect: float) -> Counts:
        # The same seeds for both, so that what both arms hold differs by the effect and hardly by luck.
        drawn = [
            truth.draw(effect, DAYS_BEFORE, np.random.default_rng([seed, draw])) for draw in range(DRAWS)
        ]
        held = np.array(drawn, dtype=np.int32)[..., truth.exposed]
        return held.transpose(0, 2, 1).reshape(-1, 2)

    return draws(0.0), draws(PLANNED)


def _finds(control: Counts, treated: Counts, users: int, random: np.random.Generator) -> bool:
    """Whether one experiment of so many users finds a difference; each user is tossed an arm."""
    of_treated = int(random.binomial(users, 0.5))
    samples = []
    for arm, size in ((control, users - of_treated), (treated, of_treated)):
        drawn = arm[random.integers(len(arm), size=size)].astype(float)
        samples.append(Sample.of({"before": drawn[:, 0], "outcome": drawn[:, 1]}))
    return compare(METRIC, *samples).difference.p_value < 0.05


def _holds(files: Found) -> bool:
    low, high = files["interval"]
    return bool(low <= files["planted"] <= high)


def _errors_apart(found: Found) -> float:
    """How many standard errors what was found is from what was planted, by its 95 % interval."""
    low, high = found["interval"]
    error: float = (high - low) / (2 * 1.959963985)
    return abs(found["relative"] - found["planted"]) / error


def markdown(found: Found) -> str:
    """What was planted, and what was found."""
    if "files" not in found:
        return ""
    files, count = found["files"], f"{found['files']['experiments']:,} experiments"
    rows = [
        ["files", f"{files['planted']:+.0%}", f"{files['exposed']:,}", _interval(files)],
        [
            count,
            f"{PLANNED:+.0%}",
            f"{files['users']:,}",
            f"{files['rates'][str(PLANNED)]:.1%} of them find it",
        ],
        [count, "none", f"{files['users']:,}", f"{files['rates']['0.0']:.1%} of them find one"],
    ]
    return table(["of", "planted", "users", "found"], rows)


def of_gateway(found: Found) -> str:
    """The same of the way through the gateway."""
    if "gateway" not in found:
        return ""
    one = found["gateway"]
    users, planted = f"{one['users']:,}", f"{one['planted']:+.0%}"
    count, said = f"{one['experiments']:,} redraws", f"{_interval(one)}, {one['outcome']}"
    rows = [
        [f"{one['pages']:,} pages by HTTP", planted, users, said],
        [count, planted, users, f"{one['power'][str(one['planted'])]:.1%} of them find it"],
        [count, "none", users, f"{one['power']['0.0']:.1%} of them find one"],
    ]
    return table(["of", "planted", "users", "found"], rows)


def _interval(found: Found) -> str:
    low, high = found["interval"]
    return f"{found['relative']:+.1%} [{low:+.1%}, {high:+.1%}]"


if __name__ == "__main__":
    main()
