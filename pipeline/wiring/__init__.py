"""The components of each part of the pipeline: its tables, its models, and what judges these."""
