"""Reads the canonical tables strictly; a row that can't be read goes into the quarantine."""
