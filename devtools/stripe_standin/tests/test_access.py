"""Keys, publishable keys, unknown URLs, parameters, faults: the edges of the API."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

from devtools.stripe_standin.routes import OPERATIONS
from devtools.stripe_standin.spec import parameter_table
from devtools.stripe_standin.spec.derive import sdk_names


def post(standin, path, form, key=None):
    headers = {"Authorization": f"Bearer {key or standin.secret_key}"}
    return httpx.post(f"{standin.url}{path}", data=form, headers=headers, timeout=60)


def test_a_key_is_needed_and_must_be_ours(standin, connect):
    bare = httpx.get(f"{standin.url}/v1/charges", timeout=60)
    assert bare.status_code == 401
    assert "You did not provide an API key" in bare.json()["error"]["message"]
    assert bare.headers["Request-Id"].startswith("req_")
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided: sk_test_"):
        connect(standin, api_key="sk_test_someoneelses0000000").v1.charges.list()
    basic = httpx.get(f"{standin.url}/v1/charges", auth=(standin.secret_key, ""), timeout=60)
    assert basic.json() == {"object": "list", "data": [], "has_more": False, "url": "/v1/charges"}


def test_live_keys_are_refused_at_the_start():
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "devtools.stripe_standin",
            "--secret-key=sk_live_x",
            "--publishable-key=pk_test_x",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "must be a test key" in result.stderr


def test_a_browser_pays_with_the_publishable_key(api, standin):
    intent = api.v1.payment_intents.create(
        {"amount": 8999, "currency": "usd", "metadata": {"secret": "x"}}
    )
    path = f"/v1/payment_intents/{intent.id}/confirm"
    form = {
        "client_secret": intent.client_secret,
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": "4242 4242 4242 4242",
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "34",
        "payment_method_data[card][cvc]": "123",
        "use_stripe_sdk": "true",
        "key": standin.publishable_key,
    }
    wrong = {**form, "client_secret": f"{intent.id}_secret_wrong"}
    assert httpx.post(f"{standin.url}{path}", data=wrong, timeout=60).status_code == 400
    paid = httpx.post(f"{standin.url}{path}", data=form, timeout=60)
    assert paid.status_code == 200
    assert paid.headers["Access-Control-Allow-Origin"] == "*"
    assert paid.json()["status"] == "succeeded"
    assert "metadata" not in paid.json()
    key = standin.publishable_key
    refused = post(standin, "/v1/refunds", {"payment_intent": intent.id}, key=key)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "secret_key_required"
    missing = httpx.get(f"{standin.url}/v1/payment_intents/{intent.id}?key={key}", timeout=60)
    assert missing.json()["error"]["param"] == "client_secret"


@pytest.mark.parametrize(
    ("form", "refusal", "message"),
    [
        ({"amount": "1", "currency": "usd", "foo": "1"}, ("parameter_unknown", "foo"), "foo"),
        (
            {"amount": "999", "currency": "usd", "shipping[nam]": "1"},
            ("parameter_unknown", "shipping[nam]"),
            "Received unknown parameter: shipping[nam]",
        ),
        ({"currency": "usd"}, ("parameter_missing", "amount"), "Missing required param: amount."),
        ({"amount": "999"}, ("parameter_missing", "currency"), "Missing required param: currency."),
        (
            {"amount": "89.99", "currency": "usd"},
            ("parameter_invalid_integer", "amount"),
            "Invalid integer: 89.99",
        ),
        ({"amount": "0", "currency": "usd"}, ("parameter_invalid_integer", "amount"), "equal to 1"),
        ({"amount": "", "currency": "usd"}, ("parameter_invalid_empty", "amount"), "empty string"),
        ({"amount": "49", "currency": "usd"}, ("amount_too_small", "amount"), "at least $0.50 usd"),
        (
            {"amount": "100000000", "currency": "usd"},
            ("amount_too_large", "amount"),
            "no more than",
        ),
        (
            {"amount": "1000000000", "currency": "inr"},
            ("amount_too_large", "amount"),
            "no more than",
        ),
        ({"amount": "999", "currency": "xxx"}, (None, "currency"), "Invalid currency: xxx"),
        (
            {"amount": "999", "currency": "usd", "capture_method": "later"},
            (None, "capture_method"),
            "Invalid capture_method: must be one of automatic, automatic_async, or manual",
        ),
        (
            {"amount": "999", "currency": "usd", "metadata": "x"},
            (None, "metadata"),
            "Invalid object",
        ),
        (
            {"amount": "999", "currency": "usd", "confirm": "yes"},
            (None, "confirm"),
            "Invalid boolean",
        ),
        (
            {"amount": "999", "currency": "usd", "customer": "cus_none"},
            ("resource_missing", "customer"),
            "No such customer: 'cus_none'",
        ),
        (
            {"amount": "999", "currency": "usd", "payment_method": "pm_none"},
            ("resource_missing", "payment_method"),
            "No such PaymentMethod: 'pm_none'",
        ),
        (
            {"amount": "999", "currency": "usd", "off_session": "true"},
            (None, "off_session"),
            "when `confirm` is set to true",
        ),
        (
            {"amount": "999", "currency": "usd", "receipt_email": "nobody"},
            ("email_invalid", "receipt_email"),
            "Invalid email address: nobody",
        ),
        (
            {"amount": "999", "currency": "usd", "expand[]": "metadata"},
            (None, "expand"),
            "This property cannot be expanded (metadata)",
        ),
    ],
)
def test_bad_parameters_are_refused_in_stripes_words(api, standin, form, refusal, message):
    answer = post(standin, "/v1/payment_intents", form)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert (error.get("code"), error["param"]) == refusal
    assert message in error["message"]
    assert api.v1.payment_intents.list().data == []


def test_what_does_not_exist_is_404(api, standin):
    for call in (
        api.v1.payment_intents.retrieve,
        api.v1.charges.retrieve,
        api.v1.refunds.retrieve,
        api.v1.customers.retrieve,
        api.v1.disputes.retrieve,
        api.v1.events.retrieve,
        api.v1.payment_methods.retrieve,
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            call("xx_nothing")
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    answer = post(standin, "/v1/nonsense", {})
    assert answer.status_code == 404
    assert "Unrecognized request URL (POST: /v1/nonsense)" in answer.json()["error"]["message"]


def test_json_bodies_are_refused(standin):
    answer = httpx.post(
        f"{standin.url}/v1/payment_intents",
        json={"amount": 1},
        headers={"Authorization": f"Bearer {standin.secret_key}"},
        timeout=60,
    )
    assert answer.status_code == 400
    assert "application/x-www-form-urlencoded" in answer.json()["error"]["message"]


def test_customers_live_and_leave(api):
    customer = api.v1.customers.create({"email": "a@learnflow.test", "metadata": {"user": "1"}})
    assert customer.id.startswith("cus_")
    changed = api.v1.customers.update(customer.id, {"name": "Ada", "metadata": {"user": ""}})
    assert (changed.name, changed.metadata.to_dict()) == ("Ada", {})
    intent = api.v1.payment_intents.create(
        {"amount": 999, "currency": "usd", "customer": customer.id, "expand": ["customer"]}
    )
    assert intent.customer.email == "a@learnflow.test"
    method = api.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    listed = api.v1.payment_methods.list({"customer": customer.id, "type": "card"})
    assert [item.id for item in listed.data] == [method.id]
    assert len(api.v1.customers.list({"email": "a@learnflow.test"}).data) == 1
    assert api.v1.customers.delete(customer.id).deleted is True
    assert api.v1.customers.retrieve(customer.id).deleted is True
    assert api.v1.customers.list().data == []


def test_faults_fail_rate_limit_and_count(api, standin, connect):
    standin.fault("refuse", "charges.list", status=429)
    with pytest.raises(stripe.RateLimitError):
        api.v1.charges.list()
    standin.fault("refuse", times=2, status=503)
    assert connect(standin, retries=2).v1.charges.list().data == []
    standin.fault("refuse", status=500)
    standin.clear_faults()
    api.v1.charges.list()
    assert standin.counts() == {"charges.list": 5}
    assert [call["status"] for call in standin.calls()] == [429, 503, 503, 200, 200]


def test_a_hanging_call_times_out(api, standin):
    standin.fault("hang", "charges.list", seconds=120)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(
            f"{standin.url}/v1/charges",
            auth=(standin.secret_key, ""),
            timeout=httpx.Timeout(60, read=0.2),
        )
    while not standin.hanging():
        time.sleep(0.01)
    standin.reset()


def test_a_call_that_hangs_does_nothing_after_a_reset(api, standin):
    """Else what one test gave up would be made in the next."""
    standin.fault("hang", "customers.create", seconds=120)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(
            httpx.post, f"{standin.url}/v1/customers", auth=(standin.secret_key, ""), timeout=120
        )
        while not standin.hanging():
            assert not asked.done()
        standin.reset()
        with pytest.raises(httpx.TransportError):
            asked.result()
    assert standin.counts() == {}
    assert api.v1.customers.list().data == []


def test_expanding_reaches_through_objects_and_lists(api, paid):
    intent = paid()
    refund = api.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 100, "expand": ["charge.payment_intent"]}
    )
    assert refund.charge.payment_intent.id == intent.id
    listed = api.v1.payment_intents.list({"expand": ["data.latest_charge"]})
    assert listed.data[0].latest_charge.amount_refunded == 100


def test_the_parameter_table_covers_every_operation():
    table = parameter_table()
    assert set(table) == {operation.spec_key for operation in OPERATIONS}
    for operation in OPERATIONS:
        newer = sdk_names(operation) - set(table[operation.spec_key]["p"])
        assert not newer, f"{operation.name}: run the module `spec.derive` again"
    create = table["post /v1/payment_intents"]
    assert create["p"]["amount"] == {"t": "integer"}
    assert "p" in create["p"]["automatic_payment_methods"]
    assert "payment_details" in create["p"], "parameters younger than the description are known"


def test_health_names_the_instance(standin):
    health = standin.health()
    assert health["ok"] is True
    assert len(health["instance"]) == 16
    unknown = httpx.post(
        f"{standin.url}/_control/faults", content=json.dumps({"kind": "x"}), timeout=60
    )
    assert unknown.status_code == 400
