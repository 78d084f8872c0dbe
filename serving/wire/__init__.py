"""TensorFlow Serving's messages and tensors without TensorFlow: the same bytes, a twentieth of the import."""
