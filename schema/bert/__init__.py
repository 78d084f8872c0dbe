"""What a BERT's folder says besides its weights: the vocabulary, and how it wants to be read."""
