"""The client, the embedded server, and the pushed versions."""
