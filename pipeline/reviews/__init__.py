"""What `aisle reviews` does with a shop's tables."""
