"""Shops of several domains, and what one shop teaches another."""
