"""The ranking head: the part that reads numbers, the part that reads texts, and why a score is what it is."""
