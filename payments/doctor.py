"""What the doctor asks about money."""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone

from core.doctor import Finding, Verdict, find_dead, find_wrong, say_ago
from payments import key_rights, stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import Payment, ReconciliationDifference, StripeEvent
from payments.selectors.reconciliation import find_last_success, list_runs
from payments.services.exempt import count_exempt
from payments.services.platform import look_at_platform
from payments.stripe_patience import deadline

# The daily comparison begins a day after the last one and takes its time.
_COMPARED_WITHIN = dt.timedelta(hours=30)


def check_money() -> Iterator[Finding]:
    """Tell whether money can come, and what of it waits for staff."""
    if not stripe_gateway.is_configured():
        yield Finding("stripe", Verdict.NOTE, "STRIPE_SECRET_KEY isn't set: nobody can pay")
        return
    at = settings.STRIPE_API_BASE
    yield Finding("stripe", Verdict.OK, f"configured{f', at {at}' if at else ''}")
    for right, missed_at in key_rights.list_missing().items():
        words = f"lacks {right}, last needed {say_ago(missed_at)}: docs/go-live.md"
        yield Finding("stripe key", Verdict.WRONG, words)
    yield from _check_platform()
    yield _check_comparison()
    yield _check_exempt()
    dead = StripeEvent.objects.filter(status=StripeEvent.Status.DEAD).count()
    yield find_dead("dead events of Stripe's", dead)
    yield _count("payments to look at", Payment.objects.exclude(needs_attention="").count())
    open_ones = ReconciliationDifference.objects.filter(resolved_at=None).count()
    yield _count("differences from Stripe", open_ones)


def _check_platform() -> Iterator[Finding]:
    """Ask Stripe how our own account is set up, where instructors are paid by it."""
    try:
        with deadline(seconds=settings.STRIPE_DEADLINE_SECONDS):
            setups = look_at_platform()
    except PaymentsUnavailable as exc:
        yield Finding("stripe account", Verdict.WRONG, f"can't be looked at: {exc.message}")
        return
    for setup in setups:
        yield find_wrong(
            f"stripe {setup.name.replace('_', ' ')}",
            is_ok=setup.is_right,
            ok=setup.found or "Stripe doesn't say",
            wrong=f"is {setup.found}, and has to be {setup.needed}: docs/go-live.md",
        )


def _check_comparison() -> Finding:
    success = find_last_success()
    # On its first day it may still be at it.
    since = success or list_runs().values_list("created_at", flat=True).first()
    is_late = since is not None and since < timezone.now() - _COMPARED_WITHIN
    words = f"last brought to its end {say_ago(success)}"
    return find_wrong(
        "comparison with Stripe", is_ok=not is_late, ok=words, wrong=f"{words}; overdue"
    )


def _check_exempt() -> Finding:
    """Tell which payments aren't looked for at Stripe: of invented data, and of no other."""
    exempt = count_exempt()
    name, count = "payments never at Stripe", exempt.count
    if count == 0:
        return Finding(name, Verdict.OK, "none")
    if exempt.may_be:
        return Finding(name, Verdict.NOTE, f"{exempt}: invented data")
    return Finding(name, Verdict.WRONG, f"{exempt}: docs/reconciliation.md")


def _count(name: str, count: int) -> Finding:
    return find_wrong(name, is_ok=count == 0, ok="none", wrong=f"{count}: see the admin")
