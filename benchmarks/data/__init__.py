"""The data path: speed, memory, and what cleaning finds and is worth."""
