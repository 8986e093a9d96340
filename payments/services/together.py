"""Purchases of many people settled in one transaction, each with the marks of its events.

That costs about as many statements as one of them alone. Nobody depends on the others for it: when
anything goes wrong, all of it is undone, and each event is taken for itself.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.utils import timezone

from core.logging import on_behalf_of
from payments.models import StripeEvent
from payments.services.ahead import Question, answer
from payments.services.lookups import ask_intent
from payments.services.settlement import settle_all
from payments.stripe_facts import IntentFacts

logger = logging.getLogger(__name__)

# So long it waits for somebody who is at one of the purchases, or for a number: then each goes on
# by itself.
_LOCK_WAIT = "2s"


def settle_together(
    *, events: Sequence[StripeEvent], questions: Mapping[str, Question]
) -> list[StripeEvent]:
    """Settle what these events, whose questions are answered, tell of payments that succeeded, and
    mark them handled, in one transaction. Returns those that it did nothing about."""
    intents = _list_purchases(dict.fromkeys(questions[event.id] for event in events))
    if len(intents) < 2:
        return list(events)
    told = [event for event in events if questions[event.id].object_id in intents]
    done = _try(told, questions, intents)
    if done is None:
        # Who has to wait for somebody comes after all others.
        alone = [_try(told, questions, {key: intent}) for key, intent in intents.items()]
        done = {key for settled in alone for key in settled or ()}
    log_handled([event for event in events if event.id in done])
    return [event for event in events if event.id not in done]


def log_handled(events: Iterable[StripeEvent]) -> None:
    """Write a log line for each event whose mark is committed, as being of its request."""
    for event in events:
        with on_behalf_of(event.request_id):
            logger.info("Stripe's event %s of type %s handled", event.id, event.type)


def _list_purchases(questions: Iterable[Question]) -> dict[str, IntentFacts]:
    """Return by id the intents that succeeded. What was answered otherwise is for somebody who
    looks at it alone."""
    asked = (question for question in questions if question.ask is ask_intent)
    answers = (_answered(question) for question in asked)
    return {intent.id: intent for intent in answers if intent is not None}


def _answered(question: Question) -> IntentFacts | None:
    try:
        intent: IntentFacts = answer(ask=question.ask, object_id=question.object_id)
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        # Whoever looks at it alone meets it again.
        return None
    return intent if intent.status == "succeeded" else None


def _try(
    events: Sequence[StripeEvent],
    questions: Mapping[str, Question],
    intents: Mapping[str, IntentFacts],
) -> set[str] | None:
    """Settle as `_settle` does; None, with nothing done, when anything goes wrong."""
    try:
        return _settle(events, questions, intents)
    except SoftTimeLimitExceeded:
        raise
    except Exception as exc:
        logger.info("%s can't be settled together: %r", ", ".join(intents), exc)
        return None


def _settle(
    events: Sequence[StripeEvent],
    questions: Mapping[str, Question],
    intents: Mapping[str, IntentFacts],
) -> set[str]:
    """Settle what can be, and mark its events; both or neither. Returns their ids."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_WAIT])
        settled = settle_all(intents=list(intents.values()))
        done = {event.id for event in events if questions[event.id].object_id in settled}
        StripeEvent.objects.filter(id__in=done, status=StripeEvent.Status.RECEIVED).update(
            status=StripeEvent.Status.HANDLED, handled_at=timezone.now(), last_error=""
        )
    return done
