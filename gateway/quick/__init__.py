"""Shorter ways for what is asked most."""
