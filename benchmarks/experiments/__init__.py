"""Experiments: whether their error rates hold."""
