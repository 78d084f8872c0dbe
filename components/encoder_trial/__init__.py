"""Tries the encoder of another shop beside this one's own, before any model reads with either."""
