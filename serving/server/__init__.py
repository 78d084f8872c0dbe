"""The embedded server: the gRPC calls of TF Serving that aisle needs, in Python. It is not TF Serving."""
