"""An action that does its rows one after the other: what happens to one doesn't end the rest."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest

from core.errors import DomainError

logger = logging.getLogger(__name__)


def _say(refusal: DomainError) -> str:
    return f"{refusal.message}."


@contextmanager
def going_on(
    model_admin: ModelAdmin[Any],
    request: HttpRequest,
    subject: str,
    *,
    say: Callable[[DomainError], str] = _say,
) -> Iterator[None]:
    """Tell staff why this row couldn't be done, by its rule (as `say` words it) or by the log, and
    go on."""
    try:
        yield
    except DomainError as refusal:
        model_admin.message_user(request, f"{subject}: {say(refusal)}", messages.ERROR)
    except Exception:
        logger.exception("%s: an action of the admin failed", subject)
        text = f"{subject}: something went wrong, the log says what."
        model_admin.message_user(request, text, messages.ERROR)
