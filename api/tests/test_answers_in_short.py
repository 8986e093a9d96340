"""What a client sends is repeated in short: no error grows with what was asked."""

from typing import Any
from urllib.parse import urlencode

import pytest

from api.tests.test_money_bodies import BODIES, ID, described
from core.echo import LONGEST_NAME, LONGEST_TEXT, MOST_PARTS, in_short
from tests.factories import InstructorFactory, UserFactory, make_course, sign_in
from tests.factories.coupons import CouponFactory

pytestmark = pytest.mark.django_db

LONG = "x" * 100_000
# What a field is given, and what of it an answer may take in bytes.
VALUES: dict[str, Any] = {
    "a long text": LONG,
    "many values": [LONG, *[{"id": None}] * 5_000],
    "long names": {f"{number}{LONG[:1_000]}": None for number in range(100)},
}
MOST_BYTES = 40_000


def fields_of(verb: str, path: str, document: dict[str, Any]) -> list[str]:
    body = document["paths"][f"/api/v1{path}"][verb].get("requestBody", {})
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    return list(document["components"]["schemas"][name]["properties"]) if name else []


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
def test_of_bodies_with_money_in_them(value: Any) -> None:
    teacher = InstructorFactory.create(is_staff=True, is_superuser=True)
    coupon = CouponFactory.create(instructor=teacher)
    course, document = make_course(instructor=teacher), described()
    names = {"reference": course.id, "coupon_id": coupon.id, "order_id": ID, "request_id": ID}
    for verb, path in BODIES:
        address = f"/api/v1{path.format(**names)}"
        body = dict.fromkeys((*fields_of(verb, path, document), "unknown", LONG), value)
        answer = getattr(sign_in(teacher), verb)(address, body, format="json")
        assert 400 <= answer.status_code < 500, (path, answer.status_code)
        assert len(answer.content) < MOST_BYTES, (path, len(answer.content))


def test_of_unknown_fields_some_are_named_and_none_whole() -> None:
    body = {f"{number:03}{LONG}": 1 for number in range(20)}
    client = sign_in(UserFactory.create())
    for sent in (body, {"billing_address": body}):
        answer = client.post("/api/v1/orders/create-from-cart/", sent, format="json")
        details = answer.json()["error"]["details"]
        told = details.get("billing_address", details)
        named = [name for name in told if "x" in name]
        assert named == [f"{number:03}{LONG[: LONGEST_NAME - 3]}…" for number in range(20)]


@pytest.mark.parametrize(
    ("path", "name"),
    [("courses/", "level"), ("courses/", "ordering"), ("search/", "type"),
     ("courses/{}/reviews/", "ordering"), ("courses/", "page"), ("orders/", "status")],
)  # fmt: skip
def test_of_parameters(path: str, name: str) -> None:
    course = make_course()
    query = urlencode({"q": "lute", name: LONG})
    answer = sign_in(course.instructor).get(f"/api/v1/{path.format(course.id)}?{query}")
    assert answer.status_code == 422
    assert set(answer.json()["error"]["details"]) == {name}
    assert len(answer.content) < 2 * LONGEST_TEXT


def test_of_other_bodies() -> None:
    teacher = InstructorFactory.create()
    course = make_course(instructor=teacher, sections=1, lessons=1)
    section = course.curriculum.get()
    for address, body in (
        ("/api/v1/auth/login/", {"email": LONG, "password": LONG}),
        ("/api/v1/courses/", {"title": "A", "level": LONG, "outcomes": [1] * 50}),
        (f"/api/v1/courses/{course.id}/curriculum/reorder/", {"order": [1] * 1_000}),
        (
            f"/api/v1/courses/{course.id}/curriculum/{section.id}/lessons/",
            {"title": "A", "resources": [{"title": "A", "url": LONG}] * 20},
        ),
    ):
        answer = sign_in(teacher).post(address, body, format="json")
        assert 400 <= answer.status_code < 500
        assert len(answer.content) < MOST_BYTES, address


def test_what_is_told_in_short_and_what_stays() -> None:
    assert in_short({"a": ["b", 1, None, (2.5,)], 3: True}) == {"a": ["b", 1, None, [2.5]], 3: True}
    assert in_short("y" * LONGEST_TEXT) == "y" * LONGEST_TEXT
    assert in_short([LONG]) == [f"{LONG[:LONGEST_TEXT]}…"]
    assert in_short({LONG: 1}) == {f"{LONG[:LONGEST_NAME]}…": 1}
    assert in_short(list(range(1_000))) == list(range(MOST_PARTS))
    assert len(in_short(dict.fromkeys(range(1_000)))) == MOST_PARTS
