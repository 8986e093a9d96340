"""What the tests of search share."""

import pytest

from courses.cache import forget_all
from courses.search import popular


@pytest.fixture(autouse=True)
def _nothing_remembered():
    """Forget what other tests read and counted: statements and visitors are counted here."""
    forget_all()
    popular._told.clear()
    popular._paused_until = 0.0
