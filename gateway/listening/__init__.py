"""A stream as a way in, beside HTTP: `aisle listen`."""
