"""Demand forecasts: how much of each item will be asked for over a horizon, as a mean and as quantiles."""
