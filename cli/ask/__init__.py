"""The commands that ask a model: `aisle search`, `recommend`, `similar` and `rank`."""
