"""Retrieval: what a shop knows at a moment, the sources of candidates, their indexes, filters and fusion."""
