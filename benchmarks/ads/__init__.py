"""Auctions and pacing of sponsored places."""
