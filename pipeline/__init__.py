"""The pipeline's configuration, wiring and runners."""
