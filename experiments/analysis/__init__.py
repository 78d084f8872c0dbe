"""From a shop's events to what an experiment found: who saw what, what they did then, and a verdict."""
