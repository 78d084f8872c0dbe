"""`aisle ads`: sponsored places."""
