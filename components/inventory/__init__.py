"""Replenishment: how much of each item to order, and why. Pure functions on arrays; the forecasts come from elsewhere."""
