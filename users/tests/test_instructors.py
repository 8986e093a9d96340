"""Becoming an instructor."""

import pytest

from core.models import AuditEntry
from tests.factories import UserFactory, sign_in
from users.models import User

pytestmark = pytest.mark.django_db
PATH = "/api/v1/users/become-instructor/"


def test_it_opens_authoring_once() -> None:
    user, bystander = UserFactory.create(), UserFactory.create()
    client = sign_in(user)
    assert client.post("/api/v1/courses/", {"title": "Kites"}).status_code == 403
    for _ in range(2):
        response = client.post(PATH)
        assert response.status_code == 200
        assert response.json() == client.get("/api/v1/auth/me/").json()
        assert response.json()["is_instructor"] is True
    assert client.post("/api/v1/courses/", {"title": "Kites"}).status_code == 201
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_id) == ("user.became_instructor", user.id)
    assert not User.objects.get(id=bystander.id).is_instructor


def test_nobody_is_nobody(api) -> None:
    response = api.post(PATH)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "NOT_AUTHENTICATED")
