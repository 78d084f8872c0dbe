"""What the benchmarks share: the pipeline's own code, measures, the pages of results."""
