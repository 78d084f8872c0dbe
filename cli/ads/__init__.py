"""`aisle ads`: sponsored places simulated, replayed and reported on."""
