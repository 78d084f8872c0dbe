"""Measures the recommender and the search against what they must beat, and blesses or refuses them."""
