"""Recommendation on Online Retail: the whole pipeline, and what it must beat, on the same users.

    python -m benchmarks.recommendation.retail --source ../shared/data/online-retail [--seeds 1 2 3] [--results docs/results.md]

Train is what was bought before 2011-10-09, test what known customers bought in the 30 days after: all of it, or what
was new to them. Each system answers 20 items. Every model trains by the pipeline's own code with its default
configuration, once for each seed; what was chosen was chosen on the validation window, which ends where the test
begins.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

from aisle.components.evaluator.measures.metrics import Ints
from aisle.components.evaluator.measures.protocol import Protocol, make_protocol
from aisle.components.labeler.labelled import Labelled
from aisle.model.options import TwoTowerOptions
from benchmarks.recommendation.baselines import SYSTEMS, System
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.measured import HEADER, K, Measured, average, gain, row
from benchmarks.shared.results import with_interval
from benchmarks.shared.served import Trained
from benchmarks.shared.training import canonical, fit_two_tower, read_clean_label, transform

WHOLE, TWO_TOWER = "aisle, whole pipeline", "aisle, two-tower alone"


FIGURES = (
    Figure("all_ndcg", lambda found: found["systems"][WHOLE]["all"]["ndcg"], least=0.325),
    Figure("new_ndcg", lambda found: found["systems"][WHOLE]["new"]["ndcg"], least=0.136),
    Figure("all_gain_lower_end", lambda found: found["gain"]["all"]["ci"][0], least=0.0),
    Figure("new_gain_lower_end", lambda found: found["gain"]["new"]["ci"][0], least=0.0),
    Figure("two_tower_all_ndcg", lambda found: found["systems"][TWO_TOWER]["all"]["ndcg"], least=0.26),
    Figure("two_tower_new_ndcg", lambda found: found["systems"][TWO_TOWER]["new"]["ndcg"], least=0.0988),
)
"""The gains are the lower ends of their intervals; a seed moves nDCG by up to 0.002."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="UCI Online Retail", seeds=(1, 2, 3))
    command.run(
        lambda told, scratch: measure(Shop.make(told.source, scratch), told.seeds), {"retail": markdown}
    )


@dataclasses.dataclass(frozen=True)
class Shop:
    """The labelled shop, its test, and the transformed examples of the two-tower."""

    labelled: Labelled
    protocol: Protocol
    transformed: tuple[str, str]
    scratch: pathlib.Path

    @staticmethod
    def make(source: pathlib.Path, scratch: pathlib.Path) -> Shop:
        """Converts, cleans, labels and transforms."""
        labelled = read_clean_label(canonical(source, scratch))
        splits = dataclasses.asdict(labelled.splits)
        protocol = make_protocol(labelled.tables["items"], labelled.tables["interactions"], splits)
        return Shop(labelled, protocol, transform(labelled, scratch), scratch)

    def train(self, seed: int) -> Trained:
        """Trains the two-tower and draws candidates."""
        folder = self.scratch / f"seed-{seed}"
        tower = fit_two_tower(self.transformed, folder, TwoTowerOptions(seed=seed))
        return Trained.make(self.labelled, tower, folder, seed)


def measure(shop: Shop, seeds: list[int]) -> dict[str, Any]:
    """Every system; see `markdown` for the shape."""
    protocol = shop.protocol
    systems = {}
    for name, answer in SYSTEMS.items():
        systems[name] = Measured.of(protocol, _of(answer, protocol))
        print(f"{name}: {systems[name]}", flush=True)
    ours: dict[str, list[Measured]] = {WHOLE: [], TWO_TOWER: []}
    for seed in seeds:
        bundle = shop.train(seed).bundle()
        ours[TWO_TOWER].append(Measured.of(protocol, bundle.answers(protocol, "retrieve", K)))
        ours[WHOLE].append(Measured.of(protocol, bundle.answers(protocol, "recommend", K)))
        print(f"seed {seed}: {ours[WHOLE][-1]}; two-tower alone {ours[TWO_TOWER][-1]}", flush=True)
    best = {part: max(systems.values(), key=lambda s: s.mean(part, "ndcg")) for part in ("all", "new")}
    return {
        "users": {part: ours[WHOLE][0].users(part) for part in ("all", "new")},
        "systems": {
            **{name: one.record() for name, one in systems.items()},
            **{name: average(many) for name, many in ours.items()},
        },
        "gain": {part: gain(ours[WHOLE], best[part], part) for part in ("all", "new")},
        "seeds": [one.record() for one in ours[WHOLE]],
    }


def _of(answer: System, protocol: Protocol) -> Callable[[bool], Ints | None]:
    return lambda new: answer(protocol, new, K)


def markdown(found: dict[str, Any]) -> str:
    """The tables people read."""
    lines = [
        f"{found['users']['all']:,} users, {found['users']['new']:,} of them with something new; aisle's rows are the "
        f"mean of {len(found['seeds'])} seeds. It took {found['minutes']} minutes.",
        "",
        *HEADER,
        *(row(name, record) for name, record in found["systems"].items()),
        "",
        *(
            f"nDCG@{K} of {part} items is {one['share']:+.1%} of the best of the others: "
            f"{with_interval(one['ndcg'], one['ci'])} (95 %, paired bootstrap over users). By seed: "
            + ", ".join(f"{value:.4f}" for value in found["systems"][WHOLE]["seeds"][part])
            + ".\n"
            for part, one in found["gain"].items()
        ),
    ]
    return "\n".join(lines).rstrip()


if __name__ == "__main__":
    main()
