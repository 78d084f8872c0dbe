"""The shop's tables, the model's features and the serving contract, each named once."""
