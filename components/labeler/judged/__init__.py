"""People's judgements, and how far they agree."""
