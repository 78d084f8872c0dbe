"""What the gate finds, a file a kind of evidence."""
