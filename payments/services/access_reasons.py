"""The reasons of what was written without one, found in the facts.

The version before knew no reasons: while it still runs beside this one, it suspends, revokes and
opens by status alone. Its rows are the ones whose status isn't what their open reasons say. They
get their reasons before a dispute or a refund is followed, and each hour: the database notes them.

A later one knew reasons, and held for a dispute or a refund also what staff had granted since. Such
a reason is ended at the same moments.
"""

import uuid
from collections.abc import Sequence
from typing import Final

from django.db import connection, transaction

from enrollments import services as enrollment_services
from orders import services as order_services
from orders.models import OrderItem
from payments import loose_ends
from payments.models import LooseEnd

AT_ONCE: Final = 500

# Bought, taken or granted anew since; or the dispute is won, or the refund came to nothing.
_END: Final = """
    UPDATE enrollments_accesshold hold SET ended_at = now(), updated_at = now()
    FROM enrollments_enrollment enrollment
    WHERE enrollment.id = hold.enrollment_id AND hold.enrollment_id = ANY(%(ids)s)
      AND hold.ended_at IS NULL
      AND (hold.created_at < enrollment.enrolled_at
           OR hold.cause = 'dispute' AND EXISTS (
               SELECT FROM payments_dispute dispute
               WHERE dispute.id = hold.object_id AND dispute.status = 'won')
           OR hold.cause = 'refund' AND EXISTS (
               SELECT FROM payments_refund refund
               WHERE refund.id = hold.object_id AND refund.undone_at IS NOT NULL))
"""
# What was granted or taken for free outlives what money does (`find_standing_elsewhere`): what an
# order opens is a purchase, so it was opened anew since.
_MONEY_HOLDS: Final = """
    FROM enrollments_enrollment enrollment
    JOIN enrollments_accesshold hold ON hold.enrollment_id = enrollment.id
     AND hold.ended_at IS NULL AND hold.cause <> 'staff'
    WHERE enrollment.source <> 'purchase'
"""
# The status says the same as the reasons do, so there is no note of it; the index of the few that
# were given and aren't active finds it.
_LIST_OUTLIVED: Final = f"""
    SELECT DISTINCT enrollment.id {_MONEY_HOLDS} AND enrollment.status <> 'active'
    ORDER BY enrollment.id LIMIT %(limit)s
"""
_FIND_OUTLIVED: Final = f"""
    SELECT DISTINCT enrollment.id {_MONEY_HOLDS} AND enrollment.id = ANY(%(ids)s)
"""
_END_OUTLIVED: Final = f"""
    UPDATE enrollments_accesshold SET ended_at = now(), updated_at = now()
    WHERE id IN (SELECT hold.id {_MONEY_HOLDS} AND enrollment.id = ANY(%(ids)s))
"""  # noqa: S608
_INSERT: Final = """
    INSERT INTO enrollments_accesshold
        (id, created_at, updated_at, enrollment_id, cause, object_id, effect, note, actor_id)
    SELECT gen_random_uuid(), greatest(found.since, enrollment.enrolled_at), now(), enrollment.id,
           found.cause, found.object_id, found.effect, found.note, found.actor_id
    FROM enrollments_enrollment enrollment JOIN ({found}) found
      ON found.enrollment_id = enrollment.id
    WHERE enrollment.id = ANY(%(ids)s)
      AND enrollment.status IN ('revoked', found.effect)
      AND NOT EXISTS (
          SELECT FROM enrollments_accesshold hold
          WHERE hold.enrollment_id = enrollment.id AND hold.cause = found.cause
            AND hold.object_id IS NOT DISTINCT FROM found.object_id
            AND (hold.ended_at IS NULL OR hold.object_id IS NOT NULL))
    ON CONFLICT DO NOTHING
"""
# The line that each enrolment stands or stood on last, and the payment of its order.
_LINES: Final = """
    SELECT DISTINCT ON (item.enrollment_id) item.id, item.enrollment_id, item.state,
           payment.id AS payment_id
    FROM orders_orderitem item
    JOIN orders_order orders ON orders.id = item.order_id
    JOIN payments_payment payment ON payment.stripe_payment_id = orders.payment_id
                                 AND payment.order_id = orders.id
    WHERE item.enrollment_id = ANY(%(ids)s) AND item.state IN ('fulfilled', 'refunded')
    ORDER BY item.enrollment_id, orders.completed_at DESC
"""
_DISPUTES: Final = f"""
    SELECT line.enrollment_id, 'dispute' AS cause, dispute.id AS object_id, '' AS note,
           NULL::uuid AS actor_id, dispute.opened_at AS since,
           CASE WHEN dispute.status = 'lost' OR dispute.status LIKE 'appeal%%'
                     AND standing.status = 'revoked'
                THEN 'revoked' ELSE 'suspended' END AS effect
    FROM ({_LINES}) line
    JOIN enrollments_enrollment standing ON standing.id = line.enrollment_id
    JOIN payments_dispute dispute ON dispute.payment_id = line.payment_id
    WHERE line.state = 'fulfilled'
      AND dispute.status IN ('lost', 'needs_response', 'under_review', 'appeal_needs_response',
                             'appeal_under_review')
"""  # noqa: S608 - of this module's own texts
_REFUNDS: Final = f"""
    SELECT DISTINCT ON (line.enrollment_id) line.enrollment_id, 'refund' AS cause,
           refund.id AS object_id, '' AS note, NULL::uuid AS actor_id,
           refund.applied_at AS since, 'revoked' AS effect
    FROM ({_LINES}) line JOIN payments_refund refund ON refund.payment_id = line.payment_id
    WHERE line.state = 'refunded' AND refund.applied_at IS NOT NULL AND refund.undone_at IS NULL
    ORDER BY line.enrollment_id, EXISTS (
        SELECT FROM payments_refundline part
        WHERE part.refund_id = refund.id AND part.order_item_id = line.id
    ) DESC, refund.applied_at DESC
"""  # noqa: S608
_STAFFS: Final = """
    SELECT deed.*, split_part(deed.action, '.', 2) AS effect
    FROM (
        SELECT DISTINCT ON (entry.target_id) entry.target_id::uuid AS enrollment_id,
               'staff' AS cause, NULL::uuid AS object_id,
               coalesce(nullif(left(entry.details ->> 'reason', 500), ''), 'Said nothing') AS note,
               entry.actor_id, entry.created_at AS since, entry.action
        FROM core_auditentry entry
        JOIN enrollments_enrollment held ON held.id::text = entry.target_id
                                        AND held.enrolled_at <= entry.created_at
        WHERE entry.target_type = 'enrollment' AND entry.target_id = ANY(%(ids)s::uuid[]::text[])
          AND entry.actor_id IS NOT NULL
          AND entry.action IN ('enrollment.suspended', 'enrollment.revoked', 'enrollment.resumed')
        ORDER BY entry.target_id, entry.created_at DESC
    ) deed WHERE deed.action <> 'enrollment.resumed'
"""
# Whatever no fact explains was somebody's decision.
_NOBODYS: Final = """
    SELECT id AS enrollment_id, 'staff' AS cause, NULL::uuid AS object_id,
           'Decided before reasons were kept' AS note, NULL::uuid AS actor_id,
           updated_at AS since, status AS effect
    FROM enrollments_enrollment WHERE status <> 'active'
"""
_FACTS: Final = (_DISPUTES, _REFUNDS, _STAFFS)


def explain_access(*, order_id: uuid.UUID) -> None:
    """Give what the order ever opened the reasons that the facts of this moment show, and end those
    that may not hold it, in the caller's transaction, before that changes one of the facts. The
    caller holds the payment's lock."""
    lines = OrderItem.objects.filter(order_id=order_id, enrollment_id__isnull=False)
    if wrong := _list_wrong(among=list(lines.values_list("enrollment_id", flat=True))):
        order_services.lock_order(order_id=order_id)
        _mend(wrong)


def repair_access(*, limit: int = 10_000, everything: bool = False) -> int:
    """Give every enrolment its reasons whose status isn't what they say, end what a dispute or a
    refund holds of what staff granted or was taken for free since, and bring each to what its
    reasons say; returns how many there were. The database noted the first when they were written,
    and has an index of the others; with `everything` all are looked at. Each batch is a
    transaction."""
    if everything:
        loose_ends.note_all(kinds=[LooseEnd.Kind.ACCESS])
    done = loose_ends.work_off(kind=LooseEnd.Kind.ACCESS, work=_mend, at_once=AT_ONCE, limit=limit)
    outlived = _list_outlived(limit=max(limit - done, 0))
    return done + sum(_mend(outlived[at : at + AT_ONCE]) for at in range(0, len(outlived), AT_ONCE))


@transaction.atomic
def _mend(enrollment_ids: Sequence[uuid.UUID]) -> int:
    enrollment_services.lock_enrollments(enrollment_ids=enrollment_ids)
    # Somebody may have been at one of them until now.
    ids = _list_wrong(among=enrollment_ids)
    with connection.cursor() as cursor:
        cursor.execute(_END, {"ids": _list_odd(among=ids)})
        odd = _list_odd(among=ids)
        for found in _FACTS:
            cursor.execute(_INSERT.format(found=found), {"ids": odd})
        cursor.execute(_INSERT.format(found=_NOBODYS), {"ids": _list_odd(among=odd)})
        # Last, so that what a dispute or a refund explains is nobody's decision.
        cursor.execute(_END_OUTLIVED, {"ids": ids})
    enrollment_services.settle_enrollments(enrollment_ids=ids)
    return len(ids)


def _list_wrong(*, among: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return those of these enrolments whose status isn't what their open reasons say, or whose
    reasons may not hold them, in key order."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND_OUTLIVED, {"ids": list(among)})
        outlived = {row[0] for row in cursor.fetchall()}
    return sorted(outlived.union(_list_odd(among=among)))


def _list_outlived(*, limit: int) -> list[uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_LIST_OUTLIVED, {"limit": limit})
        return [row[0] for row in cursor.fetchall()]


def _list_odd(*, among: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return those of these enrolments whose status isn't what their open reasons say, in key
    order."""
    return sorted(loose_ends.find(LooseEnd.Kind.ACCESS, among))
