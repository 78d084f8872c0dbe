"""Inventory: a shop's tables to forecasts, orders and their report."""
