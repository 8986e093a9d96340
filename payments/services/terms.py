"""Writing down what the settings say of shares and the hold, when it changes."""

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from payments.models import Term


def remember_terms() -> bool:
    """Write down the ordinary share and the hold, unless they are the last that were; returns
    whether they changed. The database dates it. Two at once may write it twice, which says no more
    than once."""
    now = {"percent": settings.INSTRUCTOR_SHARE_PERCENT, "hold": settings.EARNINGS_HOLD}
    with transaction.atomic():
        last = Term.objects.filter(course_id=None).order_by("-id").values(*now).first()
        if last == now:
            return False
        Term.objects.create(changed_at=Now(), **now)
    return True
