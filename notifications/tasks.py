"""Mail for Celery."""

from celery import shared_task

from notifications import services


@shared_task
def send_due_emails() -> int:
    """Send mails that are due (nudged when one is written, swept by beat)."""
    return services.send_due_emails()


@shared_task
def forget_secrets() -> int:
    """Blank what must not stay of mails that are out."""
    return services.forget_secrets()
