"""What one shop teaches another: parts of its models without its ids, each kept where it surely wins on the other's own data."""
