"""`aisle demo`: what it does, what it asks, and what was planted in its shop."""
