"""Puts both models, the catalogue and the histories into the one SavedModel that is served."""
