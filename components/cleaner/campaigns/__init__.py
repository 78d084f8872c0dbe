"""Campaigns: cleaned, and given to who sells places by them."""
