"""Events that are too many to be held, labelled visitor by visitor (docs/scale.md)."""
