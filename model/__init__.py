"""The two-tower retrieval model, the BERT ranking head, and the model that is served.

In the examples of docstrings `np`, `pl` and `tf` are imported, `bert` is the folder of a tiny BERT of random weights that
knows the pieces `red`, `blue`, `mug`, `fridge`, `mini`, `lamp` and `##s`, and `bundle` is the served model of a shop of ten
items. `tests/model/test_examples.py` makes both, and runs the examples.
"""
