"""What a query and an item are about: categories, intents, tags."""
