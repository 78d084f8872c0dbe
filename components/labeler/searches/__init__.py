"""What was shown for a search, and what its position did to its clicks."""
