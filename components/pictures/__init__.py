"""The pictures of a shop's items: where they lie, what is wrong with some, and which say nothing."""
