"""The faults that are planted in a simulated shop's files."""
