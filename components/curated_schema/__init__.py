"""A curated schema as an artifact: what a person agreed that a table must keep to."""
