"""Shops of several domains in one, whose users are shared: what is taken in one foretells what is in another.

And another shop, whose users aren't: what sells there, and what is taken next, by what it is.
"""
