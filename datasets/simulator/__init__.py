"""A simulated shop: `simulate` makes its tables, `write` puts them into a folder."""

from aisle.datasets.simulator.experiment import Planted
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.shop import Shop, simulate
from aisle.datasets.simulator.write import CAMPAIGN_TRUTH, EXPERIMENT_TRUTH, GROUND_TRUTH, Written, write

__all__ = [
    "CAMPAIGN_TRUTH",
    "EXPERIMENT_TRUTH",
    "GROUND_TRUTH",
    "Planted",
    "Shop",
    "SimulatorOptions",
    "Written",
    "simulate",
    "write",
]
