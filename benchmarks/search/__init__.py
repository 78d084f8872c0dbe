"""Search: quality by people's judgements, and time."""
