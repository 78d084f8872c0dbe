"""`aisle experiment`: A/B tests planned, rehearsed and judged on a shop's events."""
