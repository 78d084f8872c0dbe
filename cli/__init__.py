"""The aisle command."""
