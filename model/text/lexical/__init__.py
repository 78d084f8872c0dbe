"""Reading a query, and finding items by the words of their texts."""
