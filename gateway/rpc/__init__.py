"""The gateway's methods over gRPC, beside HTTP."""
