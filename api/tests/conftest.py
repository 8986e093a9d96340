"""Members of staff."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from tests.factories import StaffFactory


@pytest.fixture
def clerk() -> Client:
    """Staff that may see credit notes and nothing else."""
    person = StaffFactory.create(is_superuser=False)
    person.user_permissions.set(Permission.objects.filter(codename="view_creditnote"))
    client = Client()
    client.force_login(person)
    return client
