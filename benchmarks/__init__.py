"""What aisle does, measured beside what it must beat; run as `python -m benchmarks.SUBJECT.NAME` from the repository."""
