"""Models that are made once, for the tests that only ask them.

Those tests are all of the group `small_search`, so that one of several test processes makes them.
"""

from __future__ import annotations

import pytest

from aisle.model.served.bundle import Bundle
from tests.model.small_search import SavedSearch, make_small_search, save_small_search


@pytest.fixture(scope="session")
def saved_search(tmp_path_factory: pytest.TempPathFactory) -> SavedSearch:
    """The small search of clicks."""
    return save_small_search(tmp_path_factory.mktemp("search"))


@pytest.fixture(scope="session")
def judged_search(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """That of judgements, not saved."""
    return make_small_search(tmp_path_factory.mktemp("judged"), clicked=False)
