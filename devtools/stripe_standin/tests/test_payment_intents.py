"""Payment intents through the official SDK: paid, declined, authenticated, cancelled, captured."""

import httpx
import pytest
import stripe

from devtools.stripe_standin.cards import BY_ID, DECLINES
from devtools.stripe_standin.client import A_WHILE

DECLINING = sorted(
    name for name, made in BY_ID.items() if made.decline and made.authentication == "never"
)


def new_intent(api, **given):
    return api.v1.payment_intents.create({"amount": 8999, "currency": "usd", **given})


def error_of(caught):
    """The error object of a refused call."""
    return caught.value.error


def test_create_answers_stripes_shape(api):
    intent = new_intent(api, metadata={"order": "1"}, receipt_email="a@learnflow.test")
    assert intent.id.startswith("pi_3")
    assert len(intent.id) == 27
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert (intent.object, intent.status, intent.livemode) == (
        "payment_intent",
        "requires_payment_method",
        False,
    )
    assert (intent.amount, intent.amount_received, intent.currency) == (8999, 0, "usd")
    assert intent.metadata.to_dict() == {"order": "1"}
    assert intent.latest_charge is None
    assert intent.last_payment_error is None
    assert intent.capture_method == "automatic_async"
    assert intent.payment_method_types == ["card", "us_bank_account"]


def test_every_documented_field_of_an_intent_and_its_charge_is_present(api, paid):
    intent = api.v1.payment_intents.retrieve(paid().id, {"expand": ["latest_charge"]})
    optional = {
        "allowed_payment_method_types",
        "hooks",
        "managed_payments",
        "payment_details",
        "payment_record",
        "presentment_details",
    }
    known = {name for name in stripe.PaymentIntent.__annotations__ if not name.startswith("_")}
    known.discard("OBJECT_NAME")
    assert known - optional <= set(intent.to_dict())
    known = {name for name in stripe.Charge.__annotations__ if not name.startswith("_")}
    optional = {"refunds", "level3", "presentment_details", "authorization_code", "transfer"}
    known.discard("OBJECT_NAME")
    assert known - optional <= set(intent.latest_charge.to_dict())


def test_confirming_with_a_good_card_charges_it(api):
    intent = new_intent(api)
    done = api.v1.payment_intents.confirm(
        intent.id, {"payment_method": "pm_card_mastercard", "expand": ["latest_charge"]}
    )
    assert done.status == "succeeded"
    assert done.amount_received == 8999
    charge = done.latest_charge
    assert charge.id.startswith("ch_")
    assert (charge.status, charge.paid, charge.captured) == ("succeeded", True, True)
    assert charge.payment_method_details.card.brand == "mastercard"
    assert charge.payment_method_details.card.last4 == "4444"
    assert charge.payment_intent == intent.id
    assert api.v1.charges.list({"payment_intent": intent.id}).data[0].id == charge.id


@pytest.mark.parametrize("method", DECLINING)
def test_a_decline_leaves_the_intent_payable_again(api, method):
    code, decline_code, message = DECLINES[BY_ID[method].decline]
    intent = new_intent(api)
    with pytest.raises(stripe.CardError) as caught:
        api.v1.payment_intents.confirm(intent.id, {"payment_method": method})
    error = error_of(caught)
    assert (caught.value.http_status, error.code, error.message) == (402, code, message)
    assert (getattr(error, "decline_code", None) or "") == decline_code
    assert error.payment_intent.id == intent.id
    after = api.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert after.status == "requires_payment_method"
    assert after.payment_method is None
    assert after.last_payment_error.code == code
    assert after.last_payment_error.charge == after.latest_charge.id
    assert (after.latest_charge.status, after.latest_charge.paid) == ("failed", False)
    paid = api.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    assert paid.latest_charge != after.latest_charge.id


def test_three_d_secure_is_completed_on_its_page(api, standin):
    intent = new_intent(api)
    waiting = api.v1.payment_intents.confirm(
        intent.id,
        {
            "payment_method": "pm_card_authenticationRequired",
            "return_url": "https://shop.learnflow.test/done?order=1",
        },
    )
    assert waiting.status == "requires_action"
    assert waiting.next_action.type == "redirect_to_url"
    page = waiting.next_action.redirect_to_url.url
    assert page.startswith(standin.url)
    assert "89.99" in httpx.get(page, timeout=60).text
    address, _, query = page.partition("?")
    answer = httpx.post(f"{address}/complete?{query}", timeout=60)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("https://shop.learnflow.test/done?order=1&")
    assert "redirect_status=succeeded" in answer.headers["Location"]
    done = api.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert done.status == "succeeded"
    card = done.latest_charge.payment_method_details.card
    assert card.three_d_secure.result == "authenticated"


def test_the_page_refuses_a_wrong_secret(api, standin):
    intent = new_intent(api, payment_method="pm_card_threeDSecure2Required", confirm=True)
    answer = httpx.post(f"{standin.url}/3ds/{intent.id}/complete?client_secret=wrong", timeout=60)
    assert answer.status_code == 400
    assert api.v1.payment_intents.retrieve(intent.id).status == "requires_action"


def test_failed_authentication_leaves_the_intent_payable(api, standin):
    intent = new_intent(api, payment_method="pm_card_threeDSecure2Required", confirm=True)
    assert intent.next_action.type == "use_stripe_sdk"
    failed = standin.authenticate(intent.id, passed=False)
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    paid = api.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"


def test_a_card_can_be_declined_after_authentication(api, standin):
    method = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    intent = new_intent(api, payment_method=method, confirm=True)
    after = standin.authenticate(intent.id)
    assert after["status"] == "requires_payment_method"
    assert after["last_payment_error"]["decline_code"] == "insufficient_funds"


def test_off_session_a_card_that_wants_authentication_is_declined(api):
    with pytest.raises(stripe.CardError) as caught:
        new_intent(
            api,
            payment_method="pm_card_authenticationRequired",
            confirm=True,
            off_session=True,
        )
    assert caught.value.code == "authentication_required"


@pytest.mark.parametrize(
    ("method", "outcome", "status"),
    [
        ("pm_usBankAccount_success", "succeeded", "succeeded"),
        ("pm_usBankAccount_processing", "succeeded", "succeeded"),
        ("pm_usBankAccount_success", "failed", "requires_payment_method"),
    ],
)
def test_a_bank_debit_is_processing_until_it_settles(api, standin, method, outcome, status):
    intent = new_intent(api, payment_method=method, confirm=True)
    assert intent.status == "processing"
    with pytest.raises(stripe.InvalidRequestError, match="status of processing"):
        api.v1.payment_intents.cancel(intent.id)
    settled = standin.settle_payment(intent.id, outcome)
    assert settled["status"] == status
    charge = api.v1.charges.retrieve(settled["latest_charge"])
    assert charge.status == ("succeeded" if status == "succeeded" else "failed")


def test_a_bank_debit_settles_a_while_later(api, standin, receiver):
    intent = new_intent(api, payment_method="pm_usBankAccount_insufficientFunds", confirm=True)
    assert standin.forward(A_WHILE - 60) == 0
    assert api.v1.payment_intents.retrieve(intent.id).status == "processing"
    assert standin.forward(60) == 1
    failed = receiver.wait_for("payment_intent.payment_failed")
    assert failed["id"] == intent.id
    assert failed["last_payment_error"]["code"] == "payment_intent_payment_attempt_failed"


def test_a_method_the_intent_does_not_take_is_refused(api):
    intent = new_intent(api, payment_method_types=["card"])
    with pytest.raises(stripe.InvalidRequestError, match="not allowed for this PaymentIntent"):
        api.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_usBankAccount_success"})


def test_cancel_is_final(api):
    intent = new_intent(api)
    gone = api.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    assert gone.canceled_at is not None
    for call in (api.v1.payment_intents.cancel, api.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            call(intent.id)
        assert caught.value.code == "payment_intent_unexpected_state"
        assert error_of(caught).payment_intent.status == "canceled"


def test_a_paid_intent_can_be_neither_cancelled_nor_paid_nor_changed(api, paid):
    intent = paid()
    for call in (
        lambda: api.v1.payment_intents.cancel(intent.id),
        lambda: api.v1.payment_intents.confirm(intent.id),
        lambda: api.v1.payment_intents.update(intent.id, {"amount": 1}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            call()
        assert caught.value.code == "payment_intent_unexpected_state"
    changed = api.v1.payment_intents.update(intent.id, {"metadata": {"order": "", "note": "x"}})
    assert changed.metadata.to_dict() == {"note": "x"}
    assert len(api.v1.charges.list({"payment_intent": intent.id}).data) == 1


def test_confirming_without_a_method_is_refused(api):
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        api.v1.payment_intents.confirm(new_intent(api).id)


def test_a_refused_confirmation_leaves_no_half_made_intent(api):
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        new_intent(api, confirm=True)
    assert api.v1.payment_intents.list().data == []
    assert api.v1.events.list().data == []


def test_update_changes_amount_and_currency_while_unpaid(api):
    intent = new_intent(api)
    changed = api.v1.payment_intents.update(intent.id, {"amount": 5000, "currency": "eur"})
    assert (changed.amount, changed.currency) == (5000, "eur")


def test_manual_capture_takes_a_part_and_cancel_gives_back(api):
    intent = new_intent(api, capture_method="manual", payment_method="pm_card_visa", confirm=True)
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 8999)
    done = api.v1.payment_intents.capture(intent.id, {"amount_to_capture": 5000})
    assert (done.status, done.amount_received) == ("succeeded", 5000)
    other = new_intent(api, capture_method="manual", payment_method="pm_card_visa", confirm=True)
    gone = api.v1.payment_intents.cancel(other.id, {"expand": ["latest_charge"]})
    assert gone.status == "canceled"
    assert gone.latest_charge.refunded is True


def test_lists_are_newest_first_and_paged(api):
    made = [new_intent(api, amount=1000 + number).id for number in range(5)]
    first = api.v1.payment_intents.list({"limit": 2})
    assert [intent.id for intent in first.data] == [made[4], made[3]]
    assert first.has_more is True
    rest = api.v1.payment_intents.list({"limit": 3, "starting_after": made[3]})
    assert [intent.id for intent in rest.data] == [made[2], made[1], made[0]]
    assert rest.has_more is False
    assert [intent.id for intent in first.auto_paging_iter()] == made[::-1]
    before = api.v1.payment_intents.list({"limit": 1, "ending_before": made[3]})
    assert [intent.id for intent in before.data] == [made[4]]


def test_test_card_numbers_make_payment_methods(api):
    card = {"number": "4000000000000002", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    method = api.v1.payment_methods.create({"type": "card", "card": card})
    assert (method.card.last4, method.card.exp_year) == ("0002", 2034)
    with pytest.raises(stripe.CardError):
        new_intent(api, payment_method=method.id, confirm=True)
    for number, code in (
        ("4242424242424241", "incorrect_number"),
        ("4929420573595709", "card_declined"),
    ):
        with pytest.raises(stripe.CardError) as caught:
            api.v1.payment_methods.create({"type": "card", "card": {**card, "number": number}})
        assert caught.value.code == code
