"""What a shop's own data say of how it sells, which decides whether a rule of pattern may act."""
