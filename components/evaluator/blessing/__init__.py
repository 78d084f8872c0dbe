"""Whether a model may be pushed."""
