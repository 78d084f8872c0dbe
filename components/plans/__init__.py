"""Plans: what is done to a table in parts that know of each other only what was asked of all (docs/scale.md)."""
