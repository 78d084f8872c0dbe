"""What BERT reads of titles, tried where recommendation has little else to go by: see `benchmarks.recommendation.bert_slices`."""
