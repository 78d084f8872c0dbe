"""The served model: what is asked, in which order it is answered, and how small its graph is."""
