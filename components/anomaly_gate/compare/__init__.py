"""Rows then and now: what is kept of a run, and how far columns moved since."""
