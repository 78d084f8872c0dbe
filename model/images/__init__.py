"""Pictures: a pretrained network that reads them, and what is learnt on top of what it sees."""
