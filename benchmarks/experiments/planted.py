"""Whether an A/B test of a simulated shop finds the effect that was planted, as often as its plan says.

    python -m benchmarks.experiments.planted --check

`aisle simulate --experiment` writes a shop whose second arm sells 15 % more, `aisle experiment plan` says by the days before it how
many users would show 5 %, and `aisle experiment analyze` judges the 15 %, each as a user runs it. Then that plan is held to
account: experiments of as many users as it says, who do what the simulator's truth says of them, again and again, with 5 % and
without an effect. A user of these is one of the shop's and one of many draws of what they buy.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from aisle.datasets.simulator import EXPERIMENT_TRUTH, Planted, SimulatorOptions
from aisle.datasets.simulator.truth import PurchaseTruth
from aisle.experiments.statistics.effect import compare
from aisle.experiments.statistics.metric import Mean, Metric
from aisle.experiments.statistics.sample import Sample
from benchmarks.experiments.halves import FILE, HALVES, PURCHASES
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

FIGURES = (
    Figure("power", lambda found: found["rates"][str(PLANNED)], least=0.75, most=0.85),
    Figure("false_positives", lambda found: found["rates"]["0.0"], least=0.035, most=0.065),
    Figure("found_in_files", lambda found: float(found["files"]["outcome"] == "better"), least=1),
    Figure("interval_holds_the_effect", lambda found: float(_holds(found["files"])), least=1),
    Figure("planned_users", lambda found: found["users"]),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, seeds=(1,))
    command.add_argument("--experiments", type=int, default=4_000)
    command.run(measure, {"planted": markdown})


def measure(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """What the commands say of the files, and how often experiments of the planned size find something."""
    files = _commands(told.seeds[0], scratch)
    random = np.random.default_rng(told.seeds[0])
    control, treated = _draws(told.seeds[0])
    arms = {0.0: control, PLANNED: treated}
    return {
        "users": files["users"],
        "experiments": told.experiments,
        "files": files,
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
    file, shop, past = scratch / "experiments.toml", scratch / "shop", scratch / "past"
    file.write_text(FILE + PURCHASES, encoding="utf-8")
    sizes = ("--users", USERS, "--days", DAYS, "--seed", seed)
    _aisle("simulate", shop, *sizes, "--experiment", file, "--effect", WRITTEN, "--experiment-days", PERIOD)
    truth = json.loads((shop / EXPERIMENT_TRUTH).read_text(encoding="utf-8"))
    (past / "events").mkdir(parents=True)
    for day in sorted((shop / "events").iterdir()):
        if day.stem < truth["first_day"]:
            (past / "events" / day.name).hardlink_to(day)
    asked = ("--days", PERIOD, "--effect", PLANNED, "--json")
    plan = json.loads(_aisle("experiment", "plan", past, file, *asked))[0]
    found = json.loads(_aisle("experiment", "analyze", shop, file, "--out", scratch / "out", "--json"))
    row = found["metrics"][0]
    return {
        "users": plan["users"],
        "planted": truth["arms"]["new"]["effect"],
        "outcome": found["outcome"],
        "relative": row["relative"],
        "interval": row["relative_interval"],
        "exposed": sum(arm["users"] for arm in truth["arms"].values()),
    }


def _aisle(*words: Any) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "aisle.cli.main", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


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


def markdown(found: Found) -> str:
    """What was planned, and what was found."""
    files, count = found["files"], f"{found['experiments']:,} experiments"
    rows = [
        ["files", f"{files['planted']:+.0%}", f"{files['exposed']:,}",
         f"{files['relative']:+.1%} [{files['interval'][0]:+.1%}, {files['interval'][1]:+.1%}]"],
        [count, f"{PLANNED:+.0%}", f"{found['users']:,}", f"{found['rates'][str(PLANNED)]:.1%} of them find it"],
        [count, "none", f"{found['users']:,}", f"{found['rates']['0.0']:.1%} of them find one"],
    ]  # fmt: skip
    return table(["of", "planted", "users", "found"], rows)


if __name__ == "__main__":
    main()
