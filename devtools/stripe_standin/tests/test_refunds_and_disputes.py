"""Refunds and disputes through the official SDK, and the events they send."""

import pytest
import stripe

from devtools.stripe_standin.client import A_WHILE, StandInError


def test_partial_refunds_add_up_and_stop_at_the_amount(api, paid):
    intent = paid()
    first = api.v1.refunds.create({"payment_intent": intent.id, "amount": 3000})
    assert first.id.startswith("re_")
    assert (first.status, first.amount, first.charge) == ("succeeded", 3000, intent.latest_charge)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"charge": intent.latest_charge, "amount": 6000})
    assert str(caught.value).endswith(
        "Refund amount ($60.00) is greater than unrefunded amount on charge ($59.99)"
    )
    assert caught.value.param == "amount"
    rest = api.v1.refunds.create({"charge": intent.latest_charge, "metadata": {"why": "x"}})
    assert rest.amount == 5999
    charge = api.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (8999, True)
    assert [refund.id for refund in charge.refunds.data] == [rest.id, first.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"charge": intent.latest_charge})
    assert caught.value.code == "charge_already_refunded"
    listed = api.v1.refunds.list({"payment_intent": intent.id})
    assert {refund.id for refund in listed.data} == {first.id, rest.id}


def test_an_unpaid_intent_has_nothing_to_refund(api):
    intent = api.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="successful charge to refund"):
        api.v1.refunds.create({"payment_intent": intent.id})


def test_a_refund_sends_its_events(api, paid, standin, receiver):
    intent = paid()
    refund = api.v1.refunds.create({"payment_intent": intent.id, "amount": 100})
    standin.forward(A_WHILE)
    charge = receiver.wait_for("charge.refunded")
    assert (charge["id"], charge["amount_refunded"]) == (intent.latest_charge, 100)
    updated = receiver.wait_for("refund.updated")
    assert updated["id"] == refund.id
    assert updated["destination_details"]["card"]["reference_status"] == "available"


@pytest.mark.parametrize("by_itself", [True, False])
def test_a_pending_refund_succeeds_later(api, paid, standin, by_itself):
    refund = api.v1.refunds.create({"payment_intent": paid("pm_card_pendingRefund").id})
    assert refund.status == "pending"
    standin.forward(A_WHILE - 60)
    assert api.v1.refunds.retrieve(refund.id).status == "pending"
    if by_itself:
        standin.forward(60)
    else:
        standin.settle_refund(refund.id)
    assert api.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_a_failed_refund_no_longer_counts_on_its_charge(api, paid, standin, receiver):
    intent = paid("pm_card_refundFail")
    refund = api.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"
    standin.forward(A_WHILE)
    failed = receiver.wait_for("refund.failed")
    assert (failed["id"], failed["failure_reason"]) == (refund.id, "expired_or_canceled_card")
    charge = api.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)


def test_the_dispute_card_is_disputed_a_while_later(api, paid, standin, receiver):
    intent = paid("pm_card_createDispute")
    standin.forward(A_WHILE)
    dispute = receiver.wait_for("charge.dispute.created")
    assert dispute["id"].startswith("dp_")
    assert (dispute["charge"], dispute["status"]) == (intent.latest_charge, "needs_response")
    assert (dispute["reason"], dispute["amount"]) == ("fraudulent", 8999)
    receiver.wait_for("charge.dispute.funds_withdrawn")
    assert api.v1.charges.retrieve(intent.latest_charge).disputed is True
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_disputed"


@pytest.mark.parametrize("status", ["won", "lost"])
def test_a_dispute_is_closed_by_the_control(api, paid, standin, receiver, status):
    intent = paid()
    opened = standin.open_dispute(payment_intent=intent.id, reason="product_not_received")
    assert standin.close_dispute(opened["id"], status)["status"] == status
    assert standin.flush()
    assert receiver.wait_for("charge.dispute.closed")["status"] == status
    assert ("charge.dispute.funds_reinstated" in receiver.types()) is (status == "won")
    assert api.v1.disputes.retrieve(opened["id"]).status == status
    assert api.v1.disputes.list({"charge": intent.latest_charge}).data[0].id == opened["id"]


def test_evidence_wins_and_closing_loses(api, paid, standin):
    won = standin.open_dispute(payment_intent=paid().id)
    after = api.v1.disputes.update(
        won["id"], {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    )
    assert after.status == "won"
    lost = standin.open_dispute(payment_intent=paid().id)
    assert api.v1.disputes.close(lost["id"]).status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.disputes.close(lost["id"])


def test_what_is_lost_is_appealed_and_closed_once_more(api, paid, standin, receiver):
    intent = paid()
    opened = standin.open_dispute(payment_intent=intent.id)
    with pytest.raises(StandInError, match="cannot be appealed"):
        standin.appeal_dispute(opened["id"])
    standin.close_dispute(opened["id"], "lost")
    assert standin.appeal_dispute(opened["id"])["status"] == "appeal_under_review"
    answered = api.v1.disputes.update(opened["id"], {"evidence": {"uncategorized_text": "More"}})
    assert answered.status == "appeal_under_review"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_disputed"
    won = standin.close_dispute(opened["id"], "won")
    assert sum(moved["amount"] for moved in won["balance_transactions"]) == 0
    assert standin.flush()
    assert "charge.dispute.updated" in receiver.types()


def test_a_charge_is_disputed_again_once_the_first_dispute_is_won(paid, standin):
    intent = paid()
    first = standin.open_dispute(payment_intent=intent.id)
    with pytest.raises(StandInError, match="cannot be disputed"):
        standin.open_dispute(payment_intent=intent.id)
    standin.close_dispute(first["id"], "won")
    assert standin.open_dispute(payment_intent=intent.id)["id"] != first["id"]


def test_a_refund_beyond_the_balance_is_refused(api, standin, paid):
    intent = paid()
    standin.limit_balance(1000)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "balance_insufficient"
    assert api.v1.refunds.create({"payment_intent": intent.id, "amount": 1000}).status == (
        "succeeded"
    )
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.refunds.create({"payment_intent": intent.id, "amount": 1})


def test_a_refund_beyond_the_balance_waits_where_that_is_asked_for(api, standin, paid):
    intent = paid()
    standin.limit_balance(0, refunds_wait=True)
    refund = api.v1.refunds.create({"payment_intent": intent.id})
    assert (refund.status, refund.pending_reason) == ("pending", "insufficient_funds")
    assert refund.balance_transaction is None
    standin.forward(A_WHILE + 1)
    assert api.v1.refunds.retrieve(refund.id).status == "pending"
    assert standin.run_jobs() == standin.run_jobs() == 1  # It waits on, and keeps nobody waiting.
    standin.limit_balance(0)  # A new one would be refused.
    assert standin.run_jobs() == standin.run_jobs() == 1
    assert api.v1.refunds.retrieve(refund.id).status == "pending"
    standin.limit_balance(None)
    standin.forward(A_WHILE + 1)
    refund = api.v1.refunds.retrieve(refund.id)
    assert (refund.status, refund.pending_reason) == ("succeeded", None)
    assert refund.balance_transaction is not None


def test_a_refund_that_waits_fails_for_want_of_balance_where_that_is_asked_for(
    api, standin, paid, receiver
):
    intent = paid()
    standin.limit_balance(0, refunds_wait=True)
    refund = api.v1.refunds.create({"payment_intent": intent.id})
    standin.settle_refund(refund.id, "insufficient_funds")
    refund = api.v1.refunds.retrieve(refund.id)
    assert (refund.status, refund.failure_reason) == ("failed", "insufficient_funds")
    assert refund.balance_transaction is None
    assert "failure_balance_transaction" not in refund
    assert receiver.wait_for("refund.failed")["id"] == refund.id
    assert api.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0


def test_what_has_succeeded_does_not_fail_for_want_of_balance(api, standin, paid):
    refund = api.v1.refunds.create({"payment_intent": paid().id})
    with pytest.raises(StandInError, match="Only a pending refund"):
        standin.settle_refund(refund.id, "insufficient_funds")


def test_a_debits_refund_beyond_the_balance_fails(api, standin, paid):
    """Stripe holds a card's alone."""
    intent = paid("pm_usBankAccount_success")
    standin.settle_payment(intent.id)
    standin.limit_balance(0, refunds_wait=True)
    refund = api.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "pending"
    standin.forward(A_WHILE + 1)
    refund = api.v1.refunds.retrieve(refund.id)
    assert (refund.status, refund.failure_reason) == ("failed", "insufficient_funds")
