"""The state machine of access: the one place that says which moves of an enrolment are legal.
docs/payments.md shows the same as a table, with what causes each move and what guards it."""

from typing import Final

from enrollments.models import Enrollment

Status = Enrollment.Status

ACCESS_MOVES: Final[dict[Enrollment.Status, frozenset[Enrollment.Status]]] = {
    Status.ACTIVE: frozenset({Status.SUSPENDED, Status.REVOKED}),
    Status.SUSPENDED: frozenset({Status.ACTIVE, Status.REVOKED}),
    Status.REVOKED: frozenset({Status.ACTIVE, Status.SUSPENDED}),
}


# What an open reason makes of access, the strictest last.
STRICTNESS: Final = (Status.ACTIVE, Status.SUSPENDED, Status.REVOKED)


def strictest(*statuses: str) -> Enrollment.Status:
    """Return the strictest of these statuses; without any, access is open."""
    return max((Status(status) for status in statuses), key=STRICTNESS.index, default=Status.ACTIVE)


def move_access(enrollment: Enrollment, to: Enrollment.Status) -> None:
    """Set the enrolment's status, unsaved. The caller holds its lock and chose only enrolments that
    may go there: ValueError else."""
    if to not in ACCESS_MOVES[Status(enrollment.status)]:
        raise ValueError(f"an enrolment that is {enrollment.status} can't become {to}")
    enrollment.status = to
