"""What is learnt from reviews, on public data sets."""
