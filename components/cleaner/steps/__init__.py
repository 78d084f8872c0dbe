"""The cleaning steps, each a function from a frame and a ledger to both."""
