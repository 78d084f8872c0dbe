"""What a shop's reviews say: of which items, of what, how well, and since when."""
