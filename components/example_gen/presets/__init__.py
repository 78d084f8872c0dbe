"""Whose exports are known: a file each, of the same sections as a shop's own settings."""
