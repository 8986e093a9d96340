"""`manage.py reconcile` for people and for cron: what it refuses, how it ends, what it prints."""

import io
import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import books, services
from payments.models import (
    LedgerTransaction,
    LooseEnd,
    ReconciliationDifference,
    ReconciliationRun,
)
from payments.tests.ledger.test_missing import unbooked
from payments.tests.test_parking import pay_at_stripe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _of_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def fail(command: str, *options: str) -> tuple[int, str, str]:
    """Run a command that doesn't succeed: its exit status, message and output."""
    out = io.StringIO()
    with pytest.raises(CommandError) as failure:
        call_command(command, *options, stdout=out)
    return failure.value.returncode, str(failure.value), out.getvalue()


@pytest.mark.parametrize("since", ["2999-01-01", "2999-01-01T12:00Z"])
def test_a_time_to_come_is_refused(standin: StandIn, since: str) -> None:
    _, message, _ = fail("reconcile", f"--since={since}")
    assert f"{since!r} lies in the future" in message
    assert not ReconciliationRun.objects.exists()


def test_this_moment_does_not_lie_in_the_future(standin: StandIn) -> None:
    call_command("reconcile", "--since=0d", stdout=io.StringIO())


def test_a_difference_is_one_status_and_not_having_looked_another(standin: StandIn) -> None:
    pay_at_stripe(standin, str(uuid.uuid4()))
    assert fail("reconcile")[0] == 1
    standin.fault("refuse", "payment_intents.list", status=503)
    assert fail("reconcile")[0] == 2


def test_without_stripe_it_says_so_and_runs_nothing(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    status, message, _ = fail("reconcile")
    assert (status, message) == (2, "Stripe isn't configured here: there is nothing to compare.")
    assert not ReconciliationRun.objects.exists()


def test_all_of_history_is_looked_through_on_demand(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    payment = unbooked("10.00")
    LooseEnd.objects.all().delete()
    assert "Seen to" not in fail("reconcile")[2]
    assert not LedgerTransaction.objects.exists()
    assert "Seen to, of all of history: 2" in fail("reconcile", "--everything")[2]
    assert set(LedgerTransaction.objects.values_list("payment", flat=True)) == {payment.id}


def test_one_given_up_for_another_did_not_look_to_the_end(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = ReconciliationRun(error="Given up for another run")
    monkeypatch.setattr(services, "compare_now", lambda **given: ended)
    assert fail("reconcile")[:2] == (2, "Given up for another run")


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("reconcile", "payments.services.compare_now"),
        ("verify_books", "payments.management.commands.verify_books.verify"),
    ],
)
def test_without_the_database_nothing_was_looked_at(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, command: str, place: str
) -> None:
    def away(**given: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(place, away)
    status, message, _ = fail(command)
    assert (status, "connection refused" in message) == (2, True)


def test_into_a_file_a_difference_is_one_line(standin: StandIn) -> None:
    intent = pay_at_stripe(standin, str(uuid.uuid4()))["id"]
    _, _, told = fail("reconcile")
    (line,) = [line for line in told.splitlines() if intent in line]
    assert f"payment_intent {intent}" in line
    assert "missing_here" in line
    assert "succeeded, 49.99 usd; 49.99 not back yet" in line
    assert max(map(len, told.splitlines())) < 300, "no wider than what it says"


def test_into_a_file_a_broken_rule_is_one_line(order: Order) -> None:
    Order.objects.update(refunded_amount=1)
    _, _, told = fail("verify_books")
    (violation,) = books.verify()
    assert len(str(violation)) > 80
    assert f"✗ {violation}" in told.splitlines()


def test_words_of_a_difference_are_no_markup(standin: StandIn) -> None:
    run = ReconciliationRun.objects.create(since=timezone.now(), finished_at=timezone.now())
    ReconciliationDifference.objects.create(
        kind="books", object_type="books", object_id="no rule of ours", ours="line=[/red] [x]",
        found_by=run, last_seen_at=timezone.now(),
    )  # fmt: skip
    assert "line=[/red] [x]" in fail("reconcile")[2]
