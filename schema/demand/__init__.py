"""The demand of items over time."""

from aisle.schema.demand.series import Series

__all__ = ["Series"]
