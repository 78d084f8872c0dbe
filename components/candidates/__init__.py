"""Retrieves real candidates of a later window and labels them, for the ranking head to learn from."""
