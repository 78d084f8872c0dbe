"""Tables as CSV, in pieces of whole records."""
