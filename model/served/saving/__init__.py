"""How a served model is written: a small graph, inputs that may be left out, and its variables as of several moments."""
