"""Pictures of a simulated shop's items."""
