"""Trains BERT further on the shop's own texts, before the models that read with it."""
