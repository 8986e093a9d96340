"""What moves on our balance at Stripe by itself: read from its list, kept, and booked."""

import datetime as dt
import logging
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core.money import from_minor, require_cents
from payments import stripe_gateway
from payments.ledger.at_stripe import post_balance_movement
from payments.models import BalanceMovement, LedgerTransaction
from payments.services.balance_types import KNOWN_TYPES, book_as, is_booked_otherwise
from payments.services.reading_on import Source, read_on
from payments.stripe_facts import MovementFacts, Page

logger = logging.getLogger(__name__)

CURSOR = "balance_transactions"
# An installation without books begins here; one with books, where these do.
FIRST_LOOK_BACK = dt.timedelta(days=3)
# How many that are unbooked are looked at together.
BATCH = 100


def read_balance() -> int:
    """Keep and book what moved on our balance of no payment, refund, dispute or transfer; returns
    how many movements were new. Raises PaymentsUnavailable.

    Does nothing where Stripe isn't configured. Safe to run twice at once, or to be killed.
    """
    return read_on(_MOVEMENTS).found if stripe_gateway.is_configured() else 0


def go_on_reading() -> bool:
    """Do the same; returns whether all that Stripe lists was read. Raises PaymentsUnavailable."""
    return read_on(_MOVEMENTS).is_over


def book_unbooked() -> int:
    """Book what was kept under a version to which its type was new; returns how many."""
    known = list_unbooked().filter(type__in=KNOWN_TYPES).values_list("id", flat=True)
    return sum(_book_late(movement_id) for movement_id in known[:BATCH])


def list_unbooked() -> QuerySet[BalanceMovement]:
    """Return what moved money of our currency and isn't booked, the oldest first."""
    rows = BalanceMovement.objects.filter(booked_as="", currency=settings.CURRENCY)
    return rows.exclude(net=0).order_by("happened_at", "id")


def _list_page(**given: Any) -> Page[MovementFacts]:
    return stripe_gateway.list_movements(**given)


def keep_movements(movements: Sequence[MovementFacts]) -> int:
    """Keep and book those of them that are booked by no other cause; returns how many were new."""
    ours = [facts for facts in movements if not is_booked_otherwise(facts)]
    rows = BalanceMovement.objects.filter(stripe_id__in=[facts.id for facts in ours])
    known = set(rows.values_list("stripe_id", flat=True))
    return sum(_keep(facts) for facts in ours if facts.id not in known)


@transaction.atomic
def _keep(facts: MovementFacts) -> bool:
    """Keep it and book it, both or neither, once: whoever comes second finds it kept."""
    row = _row_of(facts)
    BalanceMovement.objects.bulk_create([row], ignore_conflicts=True)
    if not BalanceMovement.objects.filter(id=row.id).exists():
        return False
    if not post_balance_movement(movement=row) and row.net:
        logger.error("%s of %s %s is not booked", row, row.net, row.currency)
    return True


@transaction.atomic
def _book_late(movement_id: uuid.UUID) -> bool:
    row = BalanceMovement.objects.select_for_update().get(id=movement_id)
    if row.booked_as:
        return False
    row.booked_as = book_as(stripe_type=row.type, currency=row.currency, net=row.net)
    row.save(update_fields=["booked_as", "updated_at"])
    return post_balance_movement(movement=row)


def _row_of(facts: MovementFacts) -> BalanceMovement:
    net = major_of(minor=facts.net, currency=facts.currency)
    return BalanceMovement(
        stripe_id=facts.id,
        type=facts.type[:50],
        reporting_category=facts.reporting_category[:60],
        amount=major_of(minor=facts.amount, currency=facts.currency),
        fee=major_of(minor=facts.fee, currency=facts.currency),
        net=net,
        currency=facts.currency,
        happened_at=facts.created,
        available_on=facts.available_on,
        # PostgreSQL stores no NUL.
        description=facts.description.replace("\0", "")[:500],
        source=facts.source,
        booked_as=book_as(stripe_type=facts.type, currency=facts.currency, net=net),
    )


def major_of(*, minor: int, currency: str) -> Decimal:
    """Return the amount as people say it; of a currency whose minor unit isn't the hundredth, which
    is only shown, in Stripe's own unit."""
    try:
        require_cents(currency)
    except ValueError:
        return Decimal(minor)
    return from_minor(minor)


def _first_look_back() -> dt.timedelta:
    begun = LedgerTransaction.objects.order_by("occurred_at").values_list("occurred_at", flat=True)
    since = begun.first()
    return FIRST_LOOK_BACK if since is None else FIRST_LOOK_BACK + (timezone.now() - since)


_MOVEMENTS = Source[MovementFacts](
    name=CURSOR,
    list_page=_list_page,
    store=keep_movements,
    first_look_back=_first_look_back,
)
