"""Simulated users in a shop that runs: they ask it, see what it answers, and click and buy by the truth."""
