"""What buyers say of an item, on its page."""
