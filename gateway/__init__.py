"""The service that a shop's site talks to: it records events, and asks the served model with what it knows of now.

Importing this costs no FastAPI; `aisle.cli.live.gateway` runs it, see docs/gateway.md.
"""
