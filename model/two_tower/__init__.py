"""The two-tower: a query and an item meet as vectors of one space."""
