"""`aisle ads`: sponsored places, calibrated, simulated, replayed and reported on."""
