"""What staff fill in to give somebody a course, and what they read of whom it was taken from."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from core.admin import digest_of
from enrollments import services
from enrollments.errors import AlreadyEnrolled
from enrollments.models import AccessHold, Enrollment
from users import selectors as user_selectors
from users.models import User

_SHOWN = "shown"


class _ShownField(forms.CharField):
    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        """It is about the enrolment and no part of it."""
        return False


class GrantForm(forms.ModelForm[Enrollment]):
    """Who gets which course. Somebody who has it already is refused as the form is checked. Where
    it was taken away the form comes again and says by whom and why, as granting ends that: it is
    valid once it says that it showed this, and this is still so. Checked in a transaction, it holds
    the enrolment until that ends."""

    shown = _ShownField(required=False)

    class Meta:
        model = Enrollment
        fields = ("user", "course")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        known = _lock_known(cleaned.get("user"), cleaned.get("course"))
        if known is None:
            return cleaned
        # An enrolment that is there comes back: the form is about that row, not a second one.
        self.instance = known
        holds = list(known.holds.filter(ended_at=None))
        told = _tell(holds)
        if known.status != Enrollment.Status.REVOKED:
            raise ValidationError(" ".join([AlreadyEnrolled.message, *told]))
        digest = _digest(known, holds, told)
        if cleaned.get(_SHOWN) != digest:
            given: Any = self.data
            self.data = {**given.dict(), self.add_prefix(_SHOWN): digest}
            raise ValidationError(_ask(known, told, again=bool(cleaned.get(_SHOWN))))
        return cleaned


def _lock_known(user: Any, course: Any) -> Enrollment | None:
    """Return the enrolment, held: what is shown of it is what the granting ends."""
    known = Enrollment.objects.filter(user=user, course=course).values_list("id", flat=True)
    locked = services.lock_enrollments(enrollment_ids=list(known))
    return locked[0] if locked else None


def _ask(row: Enrollment, told: list[str], *, again: bool) -> str:
    why = " ".join(told) or "Nothing is written down of why."
    changed = "This changed since it was shown. " if again else ""
    return (
        f"{changed}{row.user} had {row.course}, and it was taken away. {why} Granting ends that: "
        "save again to grant it all the same."
    )


def _tell(holds: list[AccessHold]) -> list[str]:
    """Say of each reason what it does, whose it is, since when, and what staff said of it."""
    actors = {hold.actor_id for hold in holds if hold.actor_id is not None}
    people = user_selectors.find_users(user_ids=actors)
    return [
        f"{hold.effect.capitalize()} by {_name_cause(hold, people)} since "
        f"{hold.created_at:%d %B %Y, %H:%M} UTC{f': {hold.note}' if hold.note else ''}."
        for hold in holds
    ]


def _name_cause(hold: AccessHold, people: dict[UUID, User]) -> str:
    if hold.cause != AccessHold.Cause.STAFF:
        is_lost = hold.cause == AccessHold.Cause.DISPUTE and hold.effect == "revoked"
        return "a lost dispute" if is_lost else f"a {hold.cause}"
    if hold.actor_id is None:
        return "staff"
    person = people.get(hold.actor_id)
    return f"staff ({person.email if person else hold.actor_id})"


def _digest(row: Enrollment, holds: list[AccessHold], told: list[str]) -> str:
    return digest_of([str(row.pk), row.status, *(str(hold.pk) for hold in holds), *told])
