"""The sentiment of reviews, learnt from a shop's own ratings: characters beside what the encoder understands."""
