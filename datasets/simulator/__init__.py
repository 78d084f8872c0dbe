"""A simulated shop: `simulate` makes its tables, `write` puts them into a folder."""

from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.shop import Shop, simulate
from aisle.datasets.simulator.write import GROUND_TRUTH, Written, write

__all__ = ["GROUND_TRUTH", "Shop", "SimulatorOptions", "Written", "simulate", "write"]
