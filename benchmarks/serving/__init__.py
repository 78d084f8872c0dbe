"""The embedded server, the client, and how soon either can do something."""
