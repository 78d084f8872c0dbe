"""Pushes a blessed model so that a server sees it whole or not at all."""
