"""What the labels of queries and items are worth to the models."""
