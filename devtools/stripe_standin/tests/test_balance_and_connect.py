"""Fees, connected accounts and transfers, spoken to by the official SDK."""

import pytest
import requests
import stripe

from devtools.stripe_standin.client import StandInError


@pytest.fixture
def paid(api):
    return api.v1.payment_intents.create(
        {"amount": 8999, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    )


def open_account(api, *capabilities, **more):
    return api.v1.accounts.create(
        {
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "stripe_dashboard": {"type": "express"},
            },
            "capabilities": {name: {"requested": True} for name in capabilities},
            "email": "teacher@example.com",
            "metadata": {"instructor_id": "1"},
            **more,
        }
    )


@pytest.fixture
def account(api, standin):
    made = open_account(api, "card_payments", "transfers")
    assert made.capabilities.transfers == "inactive"
    return api.v1.accounts.retrieve(standin.onboard(made.id)["id"])


def send(api, account, amount=1000, **more):
    return api.v1.transfers.create(
        {"amount": amount, "currency": "usd", "destination": account.id, **more}
    )


def test_a_charge_comes_to_the_balance_a_while_later(api, standin, paid, receiver):
    expand = {"expand": ["latest_charge.balance_transaction"]}
    assert (
        api.v1.payment_intents.retrieve(paid.id, expand).latest_charge.balance_transaction is None
    )
    standin.book_charge(paid.latest_charge)
    moved = api.v1.payment_intents.retrieve(paid.id, expand).latest_charge.balance_transaction
    assert (moved.amount, moved.fee, moved.net, moved.currency) == (8999, 291, 8708, "usd")
    assert (moved.type, moved.source, moved.status) == ("charge", paid.latest_charge, "pending")
    assert receiver.wait_for("charge.updated")["balance_transaction"] == moved.id
    assert standin.book_charge(paid.latest_charge)["balance_transaction"] == moved.id
    assert [one.id for one in api.v1.balance_transactions.list().data] == [moved.id]


def list_movements(api, intent):
    listed = api.v1.balance_transactions.list({"source": intent.latest_charge}).data
    return [(one.type, one.amount, one.fee, one.status) for one in reversed(listed)]


def lying_there(api):
    now = api.v1.balance.retrieve()
    return sum(one.amount for one in (*now.available, *now.pending))


@pytest.fixture
def debit(api):
    return api.v1.payment_intents.create(
        {
            "amount": 8999,
            "currency": "usd",
            "payment_method": "pm_usBankAccount_processing",
            "confirm": True,
        }
    )


def test_a_bank_debit_is_pending_in_the_balance_from_its_beginning(api, standin, debit, receiver):
    begun = [("payment", 8999, 291, "pending")]
    assert list_movements(api, debit) == begun
    assert lying_there(api) == 8708
    pending = receiver.wait_for("charge.pending")
    assert pending["balance_transaction"] is not None
    standin.settle_payment(debit.id, "succeeded")
    assert standin.run_jobs() == 0
    assert list_movements(api, debit) == begun
    charge = api.v1.charges.retrieve(debit.latest_charge)
    assert charge.balance_transaction == pending["balance_transaction"]


def test_a_bank_debit_that_fails_leaves_the_balance_as_it_was(api, standin, debit):
    standin.settle_payment(debit.id, "failed")
    gone = ("payment_failure_refund", -8999, -291, "pending")
    assert list_movements(api, debit) == [("payment", 8999, 291, "pending"), gone]
    assert lying_there(api) == 0
    expand = {"expand": ["failure_balance_transaction"]}
    charge = api.v1.charges.retrieve(debit.latest_charge, expand)
    assert charge.failure_balance_transaction.net == -8708


def test_refunds_and_disputes_have_balance_transactions(api, standin, paid):
    refund = api.v1.refunds.create(
        {"payment_intent": paid.id, "amount": 1000, "expand": ["balance_transaction"]}
    )
    assert (refund.balance_transaction.amount, refund.balance_transaction.fee) == (-1000, 0)
    standin.settle_refund(refund.id, "failed")
    failed = api.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert failed.failure_balance_transaction.amount == 1000
    dispute = standin.open_dispute(payment_intent=paid.id)
    moved = api.v1.balance_transactions.retrieve(dispute["balance_transactions"][0]["id"])
    assert (moved.amount, moved.fee, moved.net) == (-8999, 1500, -10499)


def test_an_account_is_onboarded_by_its_link(api, receiver):
    account = open_account(api, "card_payments", "transfers")
    link = api.v1.account_links.create(
        {
            "account": account.id,
            "refresh_url": "https://shop.test/again",
            "return_url": "https://shop.test/done",
            "type": "account_onboarding",
        }
    )
    assert requests.get(link.url, timeout=60).status_code == 200
    answer = requests.post(link.url, timeout=60, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://shop.test/done")
    account = api.v1.accounts.retrieve(account.id)
    assert (account.capabilities.transfers, account.details_submitted) == ("active", True)
    assert receiver.wait_for("account.updated")["id"] == account.id


RECIPIENT = {"tos_acceptance": {"service_agreement": "recipient"}}


@pytest.mark.parametrize(
    ("capabilities", "more", "words"),
    [
        (["transfers"], {}, "Your platform needs approval for accounts to have requested"),
        (["transfers"], RECIPIENT, "not supported for platforms in US creating accounts in US"),
        (
            ["card_payments", "transfers"],
            {"country": "PH", **RECIPIENT},
            "can only request the `transfers` capability",
        ),
        (["card_payments", "transfers"], {"country": "PH"}, "PH is not currently supported"),
    ],
)
def test_an_agreement_that_does_not_fit_is_refused(api, capabilities, more, words):
    with pytest.raises(stripe.InvalidRequestError, match=words):
        open_account(api, *capabilities, **more)


def test_a_recipient_can_take_transfers_and_no_cards(api, standin):
    account = open_account(api, "transfers", country="PH", **RECIPIENT)
    assert account.tos_acceptance.service_agreement == "recipient"
    standin.onboard(account.id)
    account = api.v1.accounts.retrieve(account.id)
    assert (account.payouts_enabled, account.charges_enabled) == (True, False)
    send(api, account)


def test_money_crosses_no_border_under_the_full_agreement_but_within_a_region(api, standin):
    for country, is_within in [("DE", True), ("AU", False)]:
        account = open_account(api, "card_payments", "transfers", country=country)
        standin.onboard(account.id)
        if is_within:
            send(api, account)
        else:
            with pytest.raises(stripe.InvalidRequestError, match="Funds can't be sent"):
                send(api, account)


def test_our_own_account_says_where_it_is_and_how_it_is_paid_out(api, standin):
    ours = api.v1.accounts.retrieve_current()
    assert (ours.country, ours.settings.payouts.schedule.interval) == ("US", "daily")
    standin.set_up_platform(country="GB", interval="manual")
    ours = api.v1.accounts.retrieve_current()
    assert (ours.country, ours.settings.payouts.schedule.interval) == ("GB", "manual")


def test_a_link_names_what_it_needs(api, account):
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        api.v1.account_links.create(
            {"account": account.id, "type": "account_onboarding", "refresh_url": "https://a.test/"}
        )


def test_an_account_that_is_not_ours_is_forbidden(api):
    with pytest.raises(stripe.PermissionError) as caught:
        api.v1.accounts.retrieve("acct_1NobodyKnowsThis00")
    assert caught.value.error is not None
    assert (caught.value.http_status, caught.value.error.code) == (403, "account_invalid")


def test_a_transfer_and_its_reversals(api, account, receiver):
    transfer = send(api, account, transfer_group="payout-1", metadata={"payout_id": "1"})
    assert [one.id for one in api.v1.transfers.list({"transfer_group": "payout-1"}).data] == [
        transfer.id
    ]
    reversal = api.v1.transfers.reversals.create(transfer.id, {"amount": 400})
    transfer = api.v1.transfers.retrieve(transfer.id)
    assert (transfer.amount_reversed, transfer.reversed) == (400, False)
    assert [one.id for one in transfer.reversals.data] == [reversal.id]
    api.v1.transfers.reversals.create(transfer.id)
    assert api.v1.transfers.retrieve(transfer.id).reversed
    assert receiver.wait_for("transfer.reversed")["amount_reversed"] == 400
    assert [one.amount for one in api.v1.transfers.reversals.list(transfer.id).data] == [600, 400]
    with pytest.raises(stripe.InvalidRequestError, match="at most 0"):
        api.v1.transfers.reversals.create(transfer.id)


def test_no_transfer_to_an_account_that_is_not_ready(api, standin, account):
    standin.onboard(account.id, ready=False)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(api, account)
    assert refused.value.code == "insufficient_capabilities_for_transfer"


def test_no_more_is_transferred_than_is_there(api, standin, account):
    standin.limit_balance(1500)
    send(api, account)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(api, account)
    assert refused.value.code == "balance_insufficient"
    standin.limit_balance(None)
    send(api, account)


def test_an_account_that_was_rejected_says_so(api, standin, account, receiver):
    standin.reject(account.id, "fraud")
    account = api.v1.accounts.retrieve(account.id)
    assert account.requirements.disabled_reason == "rejected.fraud"
    assert account.capabilities.transfers == "inactive"
    assert receiver.wait_for("account.updated")["id"] == account.id


def test_an_account_whose_owner_left_is_forbidden(api, standin, account, receiver):
    standin.deauthorize(account.id)
    assert receiver.wait_for("account.application.deauthorized")["object"] == "application"
    with pytest.raises(stripe.PermissionError):
        api.v1.accounts.retrieve(account.id)
    with pytest.raises(stripe.InvalidRequestError, match="No such destination"):
        send(api, account)


def test_a_payout_that_a_bank_refused_is_its_accounts_alone(api, standin, account, receiver):
    payout = standin.refuse_payout(account.id)
    assert receiver.wait_for("payout.failed")["failure_code"] == "account_closed"
    found = api.v1.payouts.retrieve(payout["id"], None, {"stripe_account": account.id})
    assert (found.status, found.failure_code) == ("failed", "account_closed")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.payouts.retrieve(payout["id"])
    assert refused.value.code == "resource_missing"


def test_a_key_that_lacks_a_right_is_forbidden_in_stripes_words(api, standin):
    standin.fault("refuse", "transfers.list", status=403)
    with pytest.raises(stripe.PermissionError, match=r"\('transfer_read'\) permissions"):
        api.v1.transfers.list()


def test_the_balance_is_what_the_movements_come_to(api, standin, paid):
    def shown(currency="usd"):
        balance = api.v1.balance.retrieve()
        return tuple(
            next(one.amount for one in part if one.currency == currency)
            for part in (balance.available, balance.pending)
        )

    assert shown() == (0, 0)
    standin.book_charge(paid.latest_charge)
    assert shown() == (0, 8708)
    standin.forward(3 * 86400)
    assert shown() == (8708, 0)
    standin.move_balance("stripe_fee", -20, description="Radar (2026-01-01): 5 charges")
    standin.move_balance("topup", 500, currency="eur")
    payout = standin.pay_out(1000, fee=15)
    assert (shown(), shown("eur")) == ((8708 - 20 - 1015, 0), (500, 0))
    moved = api.v1.balance_transactions.list({"type": "payout"}).data[0]
    assert (moved.amount, moved.fee, moved.net, moved.source) == (-1000, 15, -1015, payout["id"])
    assert moved.reporting_category == "payout"
    standin.fail_payout(payout["id"])
    assert shown() == (8708 - 20 - 15, 0)
    assert api.v1.payouts.retrieve(payout["id"]).status == "failed"


@pytest.mark.parametrize(("canceled", "status"), [(False, "failed"), (True, "canceled")])
def test_a_payout_ends_once(api, standin, canceled, status):
    payout = standin.pay_out(1000)
    assert standin.fail_payout(payout["id"], canceled=canceled)["status"] == status
    with pytest.raises(StandInError):
        standin.fail_payout(payout["id"])


def test_payouts_are_listed_by_whose_they_are(api, standin, account):
    own = standin.pay_out(1000)
    refused = standin.refuse_payout(account.id)
    assert [one.id for one in api.v1.payouts.list().data] == [own["id"]]
    of_account = {"stripe_account": account.id}
    listed = api.v1.payouts.list({"status": "failed"}, of_account).data
    assert [one.id for one in listed] == [refused["id"]]
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payouts.retrieve(refused["id"])
