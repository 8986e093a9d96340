"""What a refusal looks like: to a person in the admin a page, to programs the API's JSON."""

import pytest
from django.test import Client
from django.urls import reverse

from core.ids import new_id

pytestmark = pytest.mark.django_db

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
AUDIT = "/admin/core/auditentry/"


def test_a_person_in_the_admin_reads_a_page(clerk: Client) -> None:
    answer = clerk.get(AUDIT, headers={"accept": BROWSER})
    assert answer.status_code == 403
    assert answer["Content-Type"].startswith("text/html")
    page = answer.content.decode()
    assert "You do not have permission to perform this action" in page
    assert f'href="{reverse("admin:index")}"' in page
    answer = clerk.get("/admin/orders/creditnote/x/pdf/", headers={"accept": BROWSER})
    assert answer.status_code == 302, "Django's own: back to the start, with a message"
    path = f"/admin/orders/creditnote/{new_id()}/pdf/"
    answer = clerk.get(path, headers={"accept": BROWSER})
    assert (answer.status_code, answer["Content-Type"][:9]) == (404, "text/html")
    assert "The requested resource does not exist" in answer.content.decode()


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_programs_read_json(clerk: Client, accept: str) -> None:
    answer = clerk.get(AUDIT, headers={"accept": accept} if accept else {})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "PERMISSION_DENIED"


def test_the_api_keeps_its_json(client: Client) -> None:
    for path, code in (("/api/v1/nowhere/", "NOT_FOUND"), ("/nowhere/", "NOT_FOUND")):
        answer = client.get(path, headers={"accept": BROWSER})
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == code


def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    answer = client.get(AUDIT, headers={"accept": BROWSER})
    assert answer.status_code == 302
    assert "/login/" in answer["Location"]
