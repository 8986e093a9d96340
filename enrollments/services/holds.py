"""What takes access away and gives it back: reasons, each a row; the status follows from them.

Every change locks its enrolments first, in key order, and reads their reasons after that: whoever
opens or ends one sees all the others. The further locks are those of `access`.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import audit, outbox
from core.errors import Invalid
from courses import services as course_services
from enrollments.events import EnrollmentResumed, EnrollmentRevoked, EnrollmentSuspended
from enrollments.models import AccessHold, Enrollment
from enrollments.services.certificates import reinstate_certificates, revoke_certificates
from enrollments.state import move_access, strictest

Status = Enrollment.Status
Cause = AccessHold.Cause
Effect = AccessHold.Effect


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why access is taken away. It is the same reason again when cause and object are the same;
    staff's own decision is one, whoever of them takes it."""

    cause: AccessHold.Cause
    object_id: UUID | None = None
    note: str = ""

    @classmethod
    def of_dispute(cls, dispute_id: UUID) -> Self:
        """Return that the bank has taken the money back, for now or for good."""
        return cls(cause=Cause.DISPUTE, object_id=dispute_id)

    @classmethod
    def of_refund(cls, refund_id: UUID) -> Self:
        """Return that the money was given back."""
        return cls(cause=Cause.REFUND, object_id=refund_id)

    @classmethod
    def of_staff(cls, note: str) -> Self:
        """Return that staff decided so, and why. Raises Invalid for a blank note."""
        if not note.strip():
            raise Invalid("A reason is needed", reason=["This may not be blank."])
        return cls(cause=Cause.STAFF, note=note.strip()[:500])


def suspend_enrollments(
    *, enrollment_ids: Collection[UUID], reason: Reason, actor_id: UUID | None = None
) -> int:
    """Let access rest for this reason; returns of how many enrolments that is news. Where it holds
    them already, resting or revoked, they stay as they are. Audited."""
    return _hold(enrollment_ids, reason, Effect.SUSPENDED, actor_id)


def revoke_enrollments(
    *, enrollment_ids: Collection[UUID], reason: Reason, actor_id: UUID | None = None
) -> int:
    """Take courses away for this reason; returns of how many enrolments that is news. What merely
    rests for it is revoked from now on.

    The progress stays, for a later purchase. Certificates earned with them are no longer valid.
    Audited.
    """
    return _hold(enrollment_ids, reason, Effect.REVOKED, actor_id)


def lift_reason(*, reason: Reason, actor_id: UUID | None = None) -> int:
    """End this reason wherever it holds an enrolment; returns how many it held. Access is open
    again where no other reason is left. Audited. Who holds a lock on some of them holds all."""
    with transaction.atomic():
        chosen = _open_holds().filter(cause=reason.cause, object_id=reason.object_id)
        held = set(chosen.values_list("enrollment_id", flat=True))
        return len(_lift(held, chosen, "enrollment.resumed", actor_id))


def lift_staffs_reason(*, enrollment_ids: Collection[UUID], actor_id: UUID) -> int:
    """End what staff decided about these enrolments; returns how many that held. Access is open
    again where no other reason is left. Audited."""
    with transaction.atomic():
        chosen = _open_holds().filter(cause=Cause.STAFF)
        return len(_lift(enrollment_ids, chosen, "enrollment.resumed", actor_id))


def reopen_enrollments(*, enrollment_ids: Collection[UUID]) -> set[UUID]:
    """End what took these away because of money, as money pays for them again (a refund that
    failed at the bank); returns which it had taken. What staff decided stays. One that is being
    bought again at the moment is waited for and left to that purchase. Audited."""
    with transaction.atomic():
        lost = _open_holds().filter(cause__in=[Cause.REFUND, Cause.DISPUTE], effect=Effect.REVOKED)
        return _lift(enrollment_ids, lost, "enrollment.reopened", None)


def end_holds(*, enrollments: Collection[Enrollment], actor_id: UUID | None = None) -> None:
    """End every reason of these enrolments, which the caller holds locked and opens: bought anew,
    taken for free or granted, they begin anew. That staff's own decisions end so is audited."""
    holds = _open_holds().filter(enrollment__in=enrollments)
    decided = {hold.enrollment_id: hold for hold in holds.filter(cause=Cause.STAFF)}
    _end(holds, actor_id)
    for row in enrollments:
        if row.id in decided:
            _audit_end(row, decided[row.id], "enrollment.resumed", actor_id, source=row.source)


def find_held_by_staff(*, enrollments: Collection[Enrollment]) -> set[UUID]:
    """Return which of these, that the caller holds locked, staff's own decision holds."""
    held = _open_holds().filter(enrollment__in=enrollments, cause=Cause.STAFF)
    return set(held.values_list("enrollment_id", flat=True))


def settle_enrollments(*, enrollment_ids: Collection[UUID]) -> int:
    """Bring these enrolments to what their open reasons say, as a repair; returns how many weren't
    there. The caller has seen to it that the reasons are complete. Audited."""
    with transaction.atomic():
        rows = lock_enrollments(enrollment_ids=enrollment_ids)
        changed = _move(rows, _derive(rows), why="repair")
        for row in changed:
            audit_enrollment(
                actor_id=None, action="enrollment.repaired", enrollment=row,
                details={"status": row.status},
            )  # fmt: skip
    return len(changed)


def lock_enrollments(*, enrollment_ids: Collection[UUID]) -> list[Enrollment]:
    """Hold these enrolments, whatever their status, until the caller's transaction ends, in key
    order: nobody opens or ends one of them meanwhile, and who was at it has committed."""
    rows = Enrollment.objects.select_for_update(no_key=True).filter(id__in=enrollment_ids)
    return list(rows.order_by("id"))


def _hold(
    enrollment_ids: Collection[UUID], reason: Reason, effect: Effect, actor_id: UUID | None
) -> int:
    with transaction.atomic():
        rows = lock_enrollments(enrollment_ids=enrollment_ids)
        before = _derive(rows)
        known = _open_holds().filter(
            enrollment__in=rows, cause=reason.cause, object_id=reason.object_id
        )
        enough = {hold.enrollment_id for hold in known if hold.effect in (effect, Effect.REVOKED)}
        held = [row for row in rows if row.id not in enough]
        _end(known.filter(enrollment__in=held), actor_id)
        AccessHold.objects.bulk_create(
            AccessHold(
                enrollment=row,
                cause=reason.cause,
                object_id=reason.object_id,
                effect=effect,
                note=reason.note,
                actor_id=actor_id,
            )
            for row in held
        )
        stood = {row.id: row.status for row in held}
        _follow(held, before, why=reason.note or str(reason.cause))
        for row in held:
            audit_enrollment(
                actor_id=actor_id, action=f"enrollment.{effect}", enrollment=row,
                details={**_tell_status(stood[row.id], row.status), **_tell(reason)},
            )  # fmt: skip
    return len(held)


def _lift(
    enrollment_ids: Collection[UUID],
    holds: QuerySet[AccessHold],
    action: str,
    actor_id: UUID | None,
) -> set[UUID]:
    rows = lock_enrollments(enrollment_ids=enrollment_ids)
    before = _derive(rows)
    ended = list(holds.filter(enrollment__in=rows))
    _end(AccessHold.objects.filter(pk__in=[hold.pk for hold in ended]), actor_id)
    lifted = {hold.enrollment_id: hold for hold in ended}
    freed = [row for row in rows if row.id in lifted]
    stood = {row.id: row.status for row in freed}
    _follow(freed, before, why=action)
    for row in freed:
        told = _tell_status(stood[row.id], row.status)
        _audit_end(row, lifted[row.id], action, actor_id, **told)
    return set(lifted)


def _open_holds() -> QuerySet[AccessHold]:
    return AccessHold.objects.filter(ended_at=None)


def _end(holds: QuerySet[AccessHold], actor_id: UUID | None) -> None:
    now = timezone.now()
    holds.update(ended_at=now, ended_by=actor_id, updated_at=now)


def _derive(rows: Collection[Enrollment]) -> dict[UUID, Status]:
    """Return what the open reasons of each make of it."""
    effects: dict[UUID, list[str]] = {row.id: [] for row in rows}
    held = _open_holds().filter(enrollment__in=rows)
    for enrollment_id, effect in held.values_list("enrollment_id", "effect"):
        effects[enrollment_id].append(effect)
    return {key: strictest(*found) for key, found in effects.items()}


def _follow(rows: Collection[Enrollment], before: Mapping[UUID, Status], *, why: str) -> None:
    """Bring locked enrolments to what their reasons say now. One that wasn't what they said before,
    as the version before wrote it without a reason, is only ever restricted: the repair, which
    knows the money, finds its reason and opens it (`payments.services.access_reasons`)."""
    wanted = _derive(rows)
    for row in rows:
        if row.status != before[row.id]:
            wanted[row.id] = strictest(row.status, wanted[row.id])
    _move(rows, wanted, why=why)


def _move(
    rows: Collection[Enrollment], wanted: Mapping[UUID, Status], *, why: str
) -> list[Enrollment]:
    changed = [row for row in rows if row.status != wanted[row.id]]
    was_active = [row for row in changed if row.status == Status.ACTIVE]
    was_revoked = [row for row in changed if row.status == Status.REVOKED]
    for row in changed:
        move_access(row, wanted[row.id])
        row.save(update_fields=["status", "updated_at"])
    revoke_certificates(enrollments=[row for row in changed if row.status == Status.REVOKED])
    reinstate_certificates(enrollments=was_revoked)
    opened = [row for row in changed if row.status == Status.ACTIVE]
    count_students(opened=opened, closed=was_active)
    for row in changed:
        _record(row, why)
    return changed


def count_students(*, opened: Collection[Enrollment], closed: Collection[Enrollment] = ()) -> None:
    """Students of a course are its active enrolments; counters are locked in key order."""
    changes = Counter(row.course_id for row in opened)
    changes.subtract(row.course_id for row in closed)
    course_services.change_student_counts(changes=changes)


def _record(row: Enrollment, why: str) -> None:
    facts = name_facts(row)
    if row.status == Status.REVOKED:
        outbox.record(EnrollmentRevoked(**facts, reason=why))
    elif row.status == Status.SUSPENDED:
        outbox.record(EnrollmentSuspended(**facts))
    else:
        outbox.record(EnrollmentResumed(**facts))


def name_facts(enrollment: Enrollment) -> dict[str, UUID]:
    """Return what every event of an enrolment tells."""
    return {
        "enrollment_id": enrollment.id,
        "user_id": enrollment.user_id,
        "course_id": enrollment.course_id,
    }


def _tell_status(before: str, after: str) -> dict[str, object]:
    return {"before": {"status": before}, "after": {"status": after}, "status": after}


def _tell(reason: Reason) -> dict[str, object]:
    told: dict[str, object] = {"reason": reason.note or str(reason.cause)}
    if reason.object_id is not None:
        told[str(reason.cause)] = str(reason.object_id)
    return told


def _audit_end(
    row: Enrollment, hold: AccessHold, action: str, actor_id: UUID | None, **told: object
) -> None:
    reason = Reason(cause=Cause(hold.cause), object_id=hold.object_id, note=hold.note)
    details = {"status": row.status, **_tell(reason), **told}
    audit_enrollment(actor_id=actor_id, action=action, enrollment=row, details=details)


def audit_enrollment(
    *,
    actor_id: UUID | None,
    action: str,
    enrollment: Enrollment,
    details: Mapping[str, object] | None = None,
) -> None:
    """Write down what was done to an enrolment."""
    audit.record_audit(
        actor_id=actor_id,
        action=action,
        target_type="enrollment",
        target_id=enrollment.id,
        details=dict(details or {}),
    )
