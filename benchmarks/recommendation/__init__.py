"""Recommendation, the two-tower and its index."""
