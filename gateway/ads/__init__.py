"""Sponsored places in the gateway: sold by auction, held against their budgets, charged once."""
