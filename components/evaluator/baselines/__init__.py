"""What the model must beat."""
