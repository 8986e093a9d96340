"""Payments' work for Celery: each is a sweep that nudges only bring forward, and may run twice."""

from celery import shared_task

from payments import services


@shared_task
def handle_stripe_events() -> int:
    """Handle received webhook events that are due."""
    return services.handle_due_events()


@shared_task
def reconcile_payments() -> int:
    """Look up open payments at Stripe that are due."""
    return services.reconcile_due_payments()


@shared_task
def send_due_refunds() -> int:
    """Ask Stripe for the refunds that are due."""
    return services.send_due_refunds()


@shared_task
def expire_orders() -> int:
    """Close pending orders past their time."""
    return services.expire_orders()
