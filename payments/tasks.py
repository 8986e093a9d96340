"""Payments' work for Celery: each is a sweep that nudges only bring forward, and may run twice."""

from celery import shared_task

from payments import services


@shared_task
def handle_stripe_events() -> int:
    """Handle received webhook events that are due."""
    return services.handle_due_events()


@shared_task
def poll_stripe_events() -> int:
    """Store the events that no webhook brought."""
    return services.poll_events()


@shared_task
def prune_stripe_events() -> int:
    """Drop events that were handled or ignored long ago."""
    return services.prune_events()


@shared_task
def read_stripe_balance() -> int:
    """Keep and book what moved on our balance at Stripe by itself."""
    return services.read_balance()


@shared_task
def compare_with_stripe() -> bool:
    """Go on with the daily comparison with Stripe, for some seconds at a time."""
    return services.compare_when_due()


@shared_task
def reconcile_payments() -> int:
    """Look up open payments at Stripe that are due."""
    return services.reconcile_due_payments()


@shared_task
def send_due_refunds() -> int:
    """Ask Stripe for the refunds that are due."""
    return services.send_due_refunds()


@shared_task
def plan_payouts() -> int:
    """Plan a payout for each instructor who can be paid."""
    return services.plan_payouts()


@shared_task
def fold_balances() -> int:
    """Add to the ledger's balances what changed."""
    return services.fold_balances()


@shared_task
def send_due_payouts() -> int:
    """Ask Stripe for the payouts that are due."""
    return services.send_due_payouts()


@shared_task
def look_at_payout_accounts() -> int:
    """Look at instructors' accounts at Stripe that are due."""
    return services.look_at_accounts()


@shared_task
def book_missing() -> int:
    """Book the facts that aren't in the ledger."""
    return services.book_missing()


@shared_task
def repair_access() -> int:
    """Give enrolments their reasons that were written without, and bring them to these."""
    return services.repair_access()


@shared_task
def expire_orders() -> int:
    """Close pending orders past their time."""
    return services.expire_orders()
