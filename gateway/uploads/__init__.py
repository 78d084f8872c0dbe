"""Pictures that are sent to be looked for."""
