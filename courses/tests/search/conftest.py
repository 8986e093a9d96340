"""What the tests of search share."""

import pytest

from courses.search import popular
from courses.search.postgres.reading import interpret


@pytest.fixture(autouse=True)
def _nothing_remembered():
    """Forget what other tests read and counted: statements and visitors are counted here."""
    interpret.cache_clear()
    popular._told.clear()
