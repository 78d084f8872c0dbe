"""The served model: what is asked, in which order it is answered, and what it knows of its shop."""
