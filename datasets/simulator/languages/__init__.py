"""The languages that a simulated shop can be in: a module each, which holds its words."""

from __future__ import annotations

import importlib

from aisle.datasets.simulator.vocabulary import Vocabulary

LANGUAGES = {"en": "english", "zh": "chinese", "ja": "japanese", "mixed": "mixed"}
"""The module of each language by its code."""


def vocabulary_of(language: str) -> Vocabulary:
    """Returns the words of a shop in that language, a key of LANGUAGES."""
    module = importlib.import_module(f"{__name__}.{LANGUAGES[language]}")
    found: Vocabulary = module.VOCABULARY
    return found
