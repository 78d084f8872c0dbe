"""`aisle ads`: sponsored places simulated, replayed, calibrated and reported on."""
