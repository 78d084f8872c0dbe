"""The report `inventory`: forecasts, stock against them, and what to order."""

from aisle.components.reports.inventory.report import NAME, headline, write_inventory

__all__ = ["NAME", "headline", "write_inventory"]
