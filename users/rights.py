"""What staff may do beyond their own: the one place that says which right each thing asks for.

Being staff opens three things and no more: reading drafts, opening lessons, and the figures of
`/analytics/overview/`. Everything else that the API lets staff do asks for the model permissions
that the admin asks for, by one of the names below; docs/rights.md lists what each opens.
"""

from enum import Enum

from django.contrib.auth.models import AnonymousUser

from users.models import User


class Right(Enum):
    """Something that staff do over the API, and the permissions that it takes, all of them."""

    ADD_COURSES = ("courses.add_course",)
    CHANGE_COURSES = ("courses.change_course",)
    # Sections that go with it ask for REMOVE_SECTIONS, archiving it instead for CHANGE_COURSES.
    REMOVE_COURSES = ("courses.delete_course",)
    ADD_SECTIONS = ("courses.add_curriculum",)
    CHANGE_SECTIONS = ("courses.change_curriculum",)
    REMOVE_SECTIONS = ("courses.delete_curriculum",)
    ADD_LESSONS = ("courses.add_lesson",)
    CHANGE_LESSONS = ("courses.change_lesson",)
    REMOVE_LESSONS = ("courses.delete_lesson",)
    # With all that lies in them: by import, or as a copy of another.
    ADD_WHOLE_COURSES = ("courses.add_course", "courses.add_curriculum", "courses.add_lesson")
    EXPORT_COURSES = ("courses.view_course", "courses.view_curriculum", "courses.view_lesson")
    SEE_ORDERS = ("orders.view_order",)
    SEE_RECEIPTS = ("orders.view_invoice",)
    SEE_CREDIT_NOTES = ("orders.view_creditnote",)
    SEE_REFUNDS = ("payments.view_refund",)
    # Of one's own accord, or as somebody asked.
    REFUND = ("payments.add_refund",)
    SEE_REFUND_REQUESTS = ("payments.view_refundrequest",)


def has_right(person: User | AnonymousUser, right: Right) -> bool:
    """Whether they are staff with all that the right takes, or superuser. Asks the database for
    staff alone, twice at the most for each request."""
    return is_staff(person) and person.has_perms(right.value)


def held_rights(person: User | AnonymousUser) -> frozenset[Right]:
    """Return every right that they have."""
    return frozenset(right for right in Right if has_right(person, right))


def may_read_drafts(person: User | AnonymousUser) -> bool:
    """Whether courses that aren't published are there for them: staff, by the flag alone."""
    return is_staff(person)


def may_open_lessons(person: User | AnonymousUser) -> bool:
    """Whether every lesson's media are open to them: staff, by the flag alone."""
    return is_staff(person)


def is_staff(person: User | AnonymousUser) -> bool:
    """Whether they are staff. It opens nothing by itself: ask one of the above."""
    return isinstance(person, User) and person.is_staff and person.is_active
