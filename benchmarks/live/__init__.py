"""The gateway and what stands behind it, as processes."""
