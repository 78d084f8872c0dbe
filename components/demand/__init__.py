"""Demand: how much of each item was asked for in each day or week, out of a shop's cleaned events."""
