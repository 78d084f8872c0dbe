"""Looks at a folder of exports, and proposes the settings that read them."""
