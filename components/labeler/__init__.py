"""Turns cleaned tables into labelled interactions and the examples the two-tower learns from."""
