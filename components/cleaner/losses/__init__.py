"""The gate behind the Cleaner: what of the rows read was lost, and whether that is too much."""
