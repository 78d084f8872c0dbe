"""Which arm a user gets, without numpy's or scipy's help: a gateway asks it with every request."""
