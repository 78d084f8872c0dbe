"""What is measured of answers, and the tables of the report."""
