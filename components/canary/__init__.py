"""Serves the new model in a process of its own and asks it, before it is pushed."""
