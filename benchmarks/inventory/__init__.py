"""Inventory: demand forecasts, and what is ordered by them."""
