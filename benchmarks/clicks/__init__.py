"""Click and conversion models of search results."""
