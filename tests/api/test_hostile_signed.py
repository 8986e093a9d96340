"""What is signed with the right key and says absurd things all the same: tokens and webhooks. Who
got hold of a key, or a signer with a fault, breaks nothing."""

import hmac
import json
import time
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from devtools.stripe_standin.client import StandIn
from payments.models import StripeEvent
from tests.api.test_hostile import assert_calm
from tests.factories import UserFactory
from tests.factories.people import open_test_session

WEBHOOK = "/api/v1/payments/webhook/stripe/"
ABSURD: list[Any] = [
    None, True, False, -1, 0, 1.5, 10**12, 10**18, 10**30, -(10**30), 1e300, float("inf"),
    float("-inf"), float("nan"), "", "x", "1e400", "9" * 400, "\u0000", "\ud800", [], [[]], {},
    {"a": {"b": []}}, [1] * 1000, "x" * 20_000,
]  # fmt: skip
CLAIMS = ["exp", "iat", "nbf", "jti", "sid", "user_id", "token_type", "aud", "iss", "sub"]


def sign(claims: Any, **headers: Any) -> str:
    return jwt.api_jws.encode(
        json.dumps(claims).encode(), settings.SIMPLE_JWT["SIGNING_KEY"], "HS256", headers=headers
    )


@pytest.fixture
def claims() -> dict[str, Any]:
    session = open_test_session(UserFactory.create())
    return {
        "token_type": "access", "exp": int(time.time()) + 600, "iat": int(time.time()),
        "jti": str(session.refresh_jti), "user_id": str(session.user_id), "sid": str(session.id),
    }  # fmt: skip


def show(token: str) -> list[Any]:
    """Show the token wherever one is read."""
    bearer = f"Bearer {token}"
    client = APIClient(HTTP_AUTHORIZATION=bearer)
    plain = APIClient()
    return [
        client.get("/api/v1/auth/me/"),
        client.get("/api/v1/courses/"),
        client.options("/api/v1/auth/me/"),
        client.post("/api/v1/auth/logout/", {"refresh": token}, format="json"),
        plain.post("/api/v1/auth/refresh/", {"refresh": token}, format="json"),
        plain.post("/api/v1/auth/logout/", {"refresh": token}, format="json"),
        plain.post("/api/v1/auth/verify-email/", {"token": token}, format="json"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["access", "refresh"])
@pytest.mark.parametrize("name", CLAIMS)
def test_absurd_claims_are_refused_calmly(claims: dict[str, Any], name: str, kind: str) -> None:
    for value in ABSURD:
        for answer in show(sign({**claims, "token_type": kind, name: value})):
            assert_calm(answer, f"{name}={str(value)[:30]!r}")


@pytest.mark.django_db
@pytest.mark.parametrize("payload", [*ABSURD, [["sid", "x"]]], ids=lambda value: str(value)[:20])
def test_a_token_that_is_no_object_is_refused_calmly(payload: Any) -> None:
    for answer in show(sign(payload)):
        assert_calm(answer, str(payload)[:30])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body", [b"[" * 5000, b'{"a":' * 5000, b"", b"\xff\xfe", b"nul\x00", b"{}" * 500]
)
def test_a_token_of_anything_else_is_refused_calmly(body: bytes) -> None:
    token = jwt.api_jws.encode(body, settings.SIMPLE_JWT["SIGNING_KEY"], "HS256")
    for answer in show(token):
        assert_calm(answer, str(body[:20]))


@pytest.mark.django_db
def test_a_token_for_ever_still_ends_with_its_session(claims: dict[str, Any]) -> None:
    token = sign({**claims, "exp": 10**30})
    answer = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get("/api/v1/auth/me/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "TOKEN_INVALID")


EVENT = {
    "id": "evt_hostile", "object": "event", "type": "payment_intent.succeeded", "created": 1,
    "livemode": False, "data": {"object": {"id": "pi_x", "object": "payment_intent"}},
}  # fmt: skip
DEEP = 5000
WHOLE_BODIES = [
    b"", b"null", b"[]", b"1", b'"x"', b"{", b"{}", b"\xff\xfe", b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'{"id": "\\ud800"}', b'{"id": NaN}', b'{"id": 1e400}',
]  # fmt: skip


def post_signed(body: bytes, signature: str | None = None) -> Any:
    if signature is None:
        now = int(time.time())
        secret = settings.STRIPE_WEBHOOK_SECRETS[0].encode()
        signed = hmac.new(secret, b"%d." % now + body, "sha256").hexdigest()
        signature = f"t={now},v1={signed}"
    return Client().post(
        WEBHOOK, body, content_type="application/json", headers={"Stripe-Signature": signature}
    )


@pytest.mark.django_db
@pytest.mark.parametrize("body", WHOLE_BODIES, ids=lambda body: str(body[:12]))
def test_signed_nonsense_is_refused_calmly(standin: StandIn, body: bytes) -> None:
    answer = post_signed(body)
    assert_calm(answer, str(body[:30]))
    assert answer.status_code == 400
    assert not StripeEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["id", "object", "type", "created", "livemode", "data"])
def test_a_signed_event_with_an_absurd_field_is_calm(standin: StandIn, name: str) -> None:
    for value in ABSURD:
        assert_calm(
            post_signed(json.dumps({**EVENT, name: value}).encode()), f"{name}={value!r}"[:60]
        )


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["\ud800", "a\ud800\udfffb", "\u0000", "x" * 100_000])
def test_strange_text_deep_in_a_signed_event_is_calm(standin: StandIn, value: str) -> None:
    metadata = {"note": value, value[:50]: "x"}
    payment = {"id": "pi_x", "object": "payment_intent", "metadata": metadata}
    event = {**EVENT, "data": {"object": payment}}
    assert_calm(post_signed(json.dumps(event).encode()), repr(value[:10]))


@pytest.mark.django_db
@pytest.mark.parametrize("depth", [100, 900, 1100, 5000, 50_000])
def test_a_deep_signed_event_is_calm(standin: StandIn, depth: int) -> None:
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    body = json.dumps(EVENT).encode().replace(b'"pi_x"', b'"pi_x", "metadata": ' + deep)
    assert_calm(post_signed(body), str(depth))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "signature",
    ["", "x", "t=", "t=,v1=", "t=x,v1=y", "t=1", f"t={'9' * 5000},v1=x", "t=1e9,v1=x", "=,=,=",
     "t=-1,v1=x", "t=1,v1=" + "a" * 50_000, "t=٣,v1=x", "t=1,v1=é"],
)  # fmt: skip
def test_an_absurd_signature_is_refused_calmly(standin: StandIn, signature: str) -> None:
    answer = post_signed(b"{}", signature)
    assert_calm(answer, signature[:30])
    assert answer.status_code == 400
