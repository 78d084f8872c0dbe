"""The pushed versions of a model, as a local folder holds them."""
