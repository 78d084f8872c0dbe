"""Cleans the raw tables; a ledger says what became of every row."""
