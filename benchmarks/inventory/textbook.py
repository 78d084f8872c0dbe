"""The textbook answers of replenishment, as printed (Snyder and Shen, Fundamentals of Supply Chain Theory).

python -m benchmarks.inventory.textbook [--check]
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence

from aisle.components.inventory import lot_sizes, reorder
from aisle.components.inventory.distributions import Discrete, Normal, Poisson
from aisle.components.inventory.newsvendor import newsvendor
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

FIGURES = (
    Figure(
        "wrong", lambda found: float(sum(row["found"] != row["printed"] for row in found["rows"])), most=0
    ),
)

PRINTED = {
    "3.1 economic order quantity": "304.04678, 68.41053",
    "3.8 with backorders": "310.81256, 66.92136",
    "3.9 Wagner and Whitin": "210, 0, 150, 0, 1380",
    "4.3 newsvendor, normal": "56.60396, 1.99761",
    "4.4 newsvendor, Poisson": "56, 1.79724",
    "4.7 newsvendor, discrete": "8, 3.57011",
    "4.7 (s,S)": "4, 10, 8.03411",
    "4.7 power approximation": "40.1946, 74.2902",
    "5.1 (r,Q), its cost": "78.07116",
    "5.8 (r,Q), Poisson": "3, 5, 107.92358",
}
"""By example; the decimals as many as the answer is compared with."""


def answers() -> dict[str, Sequence[float]]:
    """What our methods answer to each example."""
    lot = float(lot_sizes.economic_order_quantity(8, 0.225, 1300))
    waiting = float(lot_sizes.with_backorders(8, 0.225, 5, 1300))
    plan, planned = lot_sizes.wagner_whitin([90, 120, 80, 70], 500, 2)
    year = Normal(1300 / 12, 150 / 12**0.5)
    chances = Poisson(6).probabilities(40)
    found: list[Sequence[float]] = [
        (lot, lot_sizes.lot_cost(lot, 8, 0.225, 1300)),
        (waiting, lot_sizes.lot_cost(waiting, 8, 0.225, 1300, 5)),
        (*plan, planned),
        newsvendor(Normal(50, 8), 0.18, 0.70),
        newsvendor(Poisson(50), 0.18, 0.70),
        newsvendor(Discrete(chances), 1, 4),
        reorder.min_max(Poisson(6), 5, 1, 4),
        reorder.power_approximation(50, 8, 2.5, 0.18, 0.70),
        (reorder.lots_cost(126.8, 328.5, year, 1300, 8, 0.225, 7.5),),
        reorder.lots(1.5, 2, 100, 20, 150),
    ]
    return dict(zip(PRINTED, found, strict=True))


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """Every answer beside the printed one, with as many decimals."""
    rows = []
    for (name, printed), values in zip(PRINTED.items(), answers().values(), strict=True):
        places = [len(number.partition(".")[2]) for number in printed.split(", ")]
        found = ", ".join(f"{value:.{digits}f}" for value, digits in zip(values, places, strict=True))
        rows.append({"name": name, "printed": printed, "found": found})
    return {"rows": rows}


def markdown(found: Found) -> str:
    """The table people read."""
    rows = ((row["name"], row["found"], row["printed"]) for row in found["rows"])
    return table(("example", "aisle", "printed"), rows)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    Command(__doc__, FIGURES).run(measured, {"inventory-textbook": markdown})


if __name__ == "__main__":
    main()
