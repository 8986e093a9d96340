"""What isn't configured is off and says so: in the log when a process starts, and in health."""

import logging

from django.conf import settings

logger = logging.getLogger(__name__)


def sends_mail() -> bool:
    """Whether mails leave this installation."""
    return settings.EMAIL_HOST != "" or not settings.EMAIL_BACKEND.endswith(".FileBackend")


def warn_of_what_is_off() -> None:
    """Log what production can hardly be meant to lack, a line each; what may be meant as well, more
    quietly. Elsewhere nothing: mails as files are what a developer wants."""
    if not settings.IN_PRODUCTION:
        return
    if not sends_mail():
        logger.warning(
            "EMAIL_HOST isn't set: nobody gets a mail, they are files in %s",
            settings.EMAIL_FILE_PATH,
        )
    if not settings.STRIPE_SECRET_KEY:
        logger.info("STRIPE_SECRET_KEY isn't set: payments answer 503 PAYMENTS_UNAVAILABLE")
