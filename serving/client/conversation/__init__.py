"""What is asked of which version, until when, what is asked again, and what may stand in; without I/O."""
