"""What the tests of search share."""

import pytest

from courses.search.postgres.reading import interpret


@pytest.fixture(autouse=True)
def _nothing_read():
    """Forget what other tests read: statements are counted."""
    interpret.cache_clear()
