"""Cells of text: what means nothing, whose values are the shop's own, and how numbers and times are written."""
