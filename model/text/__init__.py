"""Texts: BERT, what a customer typed and how it is spelled, the lexical index, pretraining on a shop's own texts."""
