"""What is live: from an event to the next answer, what comes of it, and what the gateway stands."""
