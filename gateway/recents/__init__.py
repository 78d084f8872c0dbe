"""What visitors did in the last minutes to days: the stores that hold it, and the delivery to them."""
