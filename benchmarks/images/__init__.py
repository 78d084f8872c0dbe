"""What pictures are worth: photos told apart, products found by a photo, and the memory that many of them take."""
