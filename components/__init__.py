"""TFX components: artifacts in, artifacts out."""
