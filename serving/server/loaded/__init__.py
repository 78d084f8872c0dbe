"""The versions of a model in memory, by TensorFlow's C API."""
