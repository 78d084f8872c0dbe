"""The client of a served model: gRPC without TensorFlow."""
