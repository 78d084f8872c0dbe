"""Simulated and public data sets as canonical tables."""
