"""What the doctor asks about mail."""

from collections.abc import Iterator

from django.conf import settings

from core.doctor import Finding, Verdict, find_dead, is_production
from notifications.models import Email


def check_mail() -> Iterator[Finding]:
    """Tell whether mails leave this installation, and which gave up."""
    if settings.EMAIL_HOST:
        yield Finding("mail", Verdict.OK, f"goes to {settings.EMAIL_HOST}")
    else:
        verdict = Verdict.WRONG if is_production() else Verdict.NOTE
        words = f"EMAIL_HOST isn't set: mails are files in {settings.EMAIL_FILE_PATH}"
        yield Finding("mail", verdict, words)
    yield find_dead("dead mails", Email.objects.filter(status=Email.Status.DEAD).count())
