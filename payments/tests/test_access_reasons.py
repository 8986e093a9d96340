"""Access against money and staff together: what ends is lifted, and nothing else."""

from collections.abc import Callable
from importlib import import_module
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection

from core import audit
from courses.models import Course
from enrollments import services as enrollment_services
from enrollments.models import AccessHold, Enrollment
from enrollments.services import Reason
from payments import books, services
from payments.models import Dispute, Payment, Refund
from payments.services import access_reasons
from payments.tests.money import (
    assert_books_hold,
    dispute_facts,
    hear,
    make_order,
    make_paid,
    order_of,
    settle,
)

pytestmark = pytest.mark.django_db


def access(payment: Payment) -> list[str]:
    statuses: list[str] = order_of(payment)[3]
    return statuses


def say(payment: Payment, *statuses: str, number: int = 1) -> None:
    for status in statuses:
        services.sync_dispute(facts=dispute_facts(payment, status, number=number))


def enrollment_ids(payment: Payment) -> list[Any]:
    return list(payment.order.items.values_list("enrollment_id", flat=True))


def staff_hold(payment: Payment, *, for_good: bool = False) -> None:
    hold = enrollment_services.suspend_enrollments
    if for_good:
        hold = enrollment_services.revoke_enrollments
    hold(enrollment_ids=enrollment_ids(payment), reason=Reason.of_staff("terms"), actor_id=uuid4())


def staff_grant(payment: Payment) -> None:
    assert payment.order.user_id is not None
    for course_id in payment.order.items.values_list("course_id", flat=True):
        enrollment_services.grant_access(
            user_id=payment.order.user_id, course_id=course_id, actor_id=uuid4()
        )


def staff_lift(payment: Payment) -> None:
    enrollment_services.lift_staffs_reason(enrollment_ids=enrollment_ids(payment), actor_id=uuid4())


@pytest.mark.parametrize(("for_good", "left"), [(False, "suspended"), (True, "revoked")])
@pytest.mark.parametrize("staff_first", [True, False])
@pytest.mark.parametrize(
    "story", [["needs_response", "won"], ["lost", "appeal_under_review", "won"], ["refund"]]
)
def test_what_staff_decided_outlives_what_money_did(
    story: list[str], staff_first: bool, for_good: bool, left: str
) -> None:
    payment = make_paid("30.00", "20.00")
    if staff_first:
        staff_hold(payment, for_good=for_good)
    if story == ["refund"]:
        hear(payment, "succeeded", amount="50.00")
    else:
        say(payment, *story[:-1])
    if not staff_first:
        staff_hold(payment, for_good=for_good)
    if story == ["refund"]:
        hear(payment, "failed", amount="50.00")
    else:
        say(payment, story[-1])
    assert access(payment) == [left, left]
    assert_books_hold()
    staff_lift(payment)
    assert access(payment) == ["active", "active"]
    assert_books_hold()


BEGIN: dict[str, Callable[[Payment], None]] = {
    "dispute": lambda payment: say(payment, "needs_response"),
    "refund": lambda payment: hear(payment, "succeeded", amount="50.00"),
    "staff": staff_hold,
}
END: dict[str, Callable[[Payment], None]] = {
    "dispute": lambda payment: say(payment, "won"),
    "refund": lambda payment: hear(payment, "failed", amount="50.00"),
    "staff": staff_lift,
}


@pytest.mark.parametrize("ends", list(permutations(BEGIN)), ids=" ".join)
@pytest.mark.parametrize("begins", list(permutations(BEGIN)), ids=" ".join)
def test_all_three_begin_and_end_in_any_order(
    begins: tuple[str, ...], ends: tuple[str, ...]
) -> None:
    payment = make_paid("50.00")
    for one in begins:
        BEGIN[one](payment)
    left = set(begins)
    for one in ends:
        expected = "revoked" if "refund" in left else "suspended"
        assert access(payment) == [expected], left
        assert_books_hold()
        END[one](payment)
        left.remove(one)
    assert access(payment) == ["active"]
    assert_books_hold()


# What of the order's money takes access away, and gives it back, one after the other.
MONEY: dict[str, Callable[[Payment], None]] = {
    "lost": lambda payment: say(payment, "lost"),
    "appealed": lambda payment: say(payment, "appeal_under_review"),
    "lost again": lambda payment: say(payment, "lost"),
    "refunded": lambda payment: hear(payment, "succeeded", amount="50.00"),
    "sent back": lambda payment: hear(payment, "failed", amount="50.00"),
    "won": lambda payment: say(payment, "won"),
}


def tell_lines() -> list[list[str]]:
    """Every order in which a dispute and a refund go on, each in its own."""
    disputed, refunded = ["lost", "appealed", "lost again", "won"], ["refunded", "sent back"]
    return [
        list(told)
        for told in permutations(MONEY)
        if [one for one in told if one in disputed] == disputed
        and [one for one in told if one in refunded] == refunded
    ]


@pytest.mark.parametrize("told", tell_lines(), ids=", ".join)
def test_what_staff_granted_no_money_takes_away(told: list[str]) -> None:
    payment, is_granted = make_paid("50.00"), False
    for one in told:
        MONEY[one](payment)
        if not is_granted:
            assert access(payment) == ["revoked"]
            staff_grant(payment)
            is_granted = True
        assert access(payment) == ["active"], one
        assert_books_hold()
    staff_hold(payment)
    assert access(payment) == ["suspended"], "what staff gave, staff take"
    assert_books_hold()


def test_what_was_taken_for_free_since_no_money_takes_away() -> None:
    payment = make_paid("50.00")
    say(payment, "lost")
    course = payment.order.items.get().course
    Course.objects.filter(id=course.id).update(price=0)
    assert payment.order.user_id is not None
    enrollment_services.enroll_free(user_id=payment.order.user_id, course_id=course.id)
    say(payment, "appeal_under_review", "lost")
    assert access(payment) == ["active"]
    assert_books_hold()


def test_what_is_granted_and_bought_again_is_as_money_has_it() -> None:
    old = make_paid("50.00")
    hear(old, "succeeded", amount="50.00")
    staff_grant(old)
    staff_hold(old, for_good=True)
    assert old.order.user is not None
    courses = [item.course for item in old.order.items.all()]
    again = settle(make_order("50.00", user=old.order.user, courses=courses))
    say(again, "needs_response")
    assert access(again) == ["suspended"]
    assert_books_hold()


def test_of_two_disputes_each_is_lifted_by_its_own_end() -> None:
    payment = make_paid("50.00")
    say(payment, "lost", number=1)
    say(payment, "needs_response", number=2)
    say(payment, "won", number=1)
    assert access(payment) == ["suspended"], "the other is open, and took no course for good"
    say(payment, "won", number=2)
    assert access(payment) == ["active"]
    assert_books_hold()


def test_a_line_refunded_in_parts_is_open_again_whichever_part_fails() -> None:
    payment = make_paid("50.00", "20.00")
    hear(payment, "succeeded", amount="30.00", number=1)
    hear(payment, "succeeded", amount="40.00", number=2)
    assert set(access(payment)) == {"revoked"}
    hear(payment, "failed", amount="30.00", number=1)
    assert set(access(payment)) == {"active"}
    assert_books_hold()


def test_an_old_refund_that_fails_opens_nothing_that_a_later_order_holds() -> None:
    old = make_paid("50.00")
    hear(old, "succeeded", amount="50.00")
    assert old.order.user is not None
    courses = [item.course for item in old.order.items.all()]
    again = settle(make_order("50.00", user=old.order.user, courses=courses))
    say(again, "needs_response", number=7)
    hear(old, "failed", amount="50.00")
    assert access(again) == ["suspended"]
    say(again, "won", number=7)
    assert access(again) == ["active"]
    assert_books_hold()


# --- What the version before writes beside this one -------------------------------------------


def forget_reasons() -> None:
    AccessHold.objects.all().delete()


def run_the_migration() -> None:
    explain = import_module("payments.migrations.0019_explain_access").explain_access
    with connection.schema_editor() as editor:
        explain(apps, editor)


def repair_all(**given: int) -> int:
    """As by hand: within a test's own transaction the database has noted nothing yet."""
    return services.repair_access(everything=True, **given)


def explained() -> set[tuple[str, str, object]]:
    held = AccessHold.objects.filter(ended_at=None)
    return set(held.values_list("cause", "effect", "object_id"))


@pytest.fixture(params=["migration", "repair"])
def explain(request: pytest.FixtureRequest) -> Callable[[], object]:
    return repair_all if request.param == "repair" else run_the_migration


@pytest.mark.parametrize(
    ("story", "effect"),
    [
        (["needs_response"], "suspended"), (["lost"], "revoked"),
        (["lost", "appeal_under_review"], "revoked"), (["appeal_needs_response"], "suspended"),
    ],
)  # fmt: skip
def test_a_dispute_explains_what_rests(
    explain: Callable[[], object], story: list[str], effect: str
) -> None:
    payment = make_paid("50.00")
    say(payment, *story)
    forget_reasons()
    assert {row.invariant for row in books.verify()} == {"access_follows_its_reasons"}
    explain()
    assert explained() == {("dispute", effect, Dispute.objects.get().id)}
    assert_books_hold()


def test_a_refund_explains_what_is_revoked(explain: Callable[[], object]) -> None:
    payment = make_paid("50.00", "20.00")
    hear(payment, "succeeded", amount="20.00", number=1)
    hear(payment, "succeeded", amount="50.00", number=2)
    forget_reasons()
    explain()
    ((cause, effect, object_id),) = explained()
    assert (cause, effect) == ("refund", "revoked")
    assert object_id in set(Refund.objects.values_list("id", flat=True))
    hear(payment, "failed", amount="50.00", number=2)
    assert set(access(payment)) == {"active"}
    assert_books_hold()


def test_what_staff_did_is_found_in_the_audit_trail(explain: Callable[[], object]) -> None:
    payment, actor = make_paid("50.00"), uuid4()
    say(payment, "needs_response")
    audit.record_audit(
        actor_id=actor, action="enrollment.suspended", target_type="enrollment",
        target_id=enrollment_ids(payment)[0],
    )  # fmt: skip
    forget_reasons()
    explain()
    assert explained() == {
        ("staff", "suspended", None),
        ("dispute", "suspended", Dispute.objects.get().id),
    }
    assert AccessHold.objects.get(cause="staff").actor_id == actor


def test_whatever_nothing_explains_was_somebodys_decision(explain: Callable[[], object]) -> None:
    payment = make_paid("50.00")
    staff_hold(payment, for_good=True)
    audit.AuditEntry.objects.all().delete()
    forget_reasons()
    explain()
    assert explained() == {("staff", "revoked", None)}
    assert_books_hold()


def test_what_rests_without_a_reason_is_explained_before_its_dispute_ends() -> None:
    payment = make_paid("50.00")
    say(payment, "needs_response")
    forget_reasons()
    say(payment, "won")
    assert access(payment) == ["active"]
    assert_books_hold()


def test_what_is_revoked_without_a_reason_is_explained_before_its_refund_is_undone() -> None:
    payment = make_paid("50.00")
    hear(payment, "succeeded", amount="50.00")
    forget_reasons()
    hear(payment, "failed", amount="50.00")
    assert access(payment) == ["active"]
    assert_books_hold()


def test_what_the_version_before_opened_rests_again_for_what_staff_decided() -> None:
    payment = make_paid("50.00")
    say(payment, "needs_response")
    staff_hold(payment)
    Dispute.objects.update(status="won")
    Enrollment.objects.update(status="active")
    assert repair_all() == 1
    assert repair_all() == 0
    assert access(payment) == ["suspended"]
    assert explained() == {("staff", "suspended", None)}


def test_what_was_bought_again_under_the_version_before_stays_open() -> None:
    payment = make_paid("50.00")
    hear(payment, "succeeded", amount="50.00")
    AccessHold.objects.update(created_at="2020-01-01T00:00Z")
    Enrollment.objects.update(status="active", source="staff")
    assert repair_all() == 1
    assert access(payment) == ["active"]
    assert not explained()


def test_the_repair_mends_more_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_reasons, "AT_ONCE", 2)
    payments = [make_paid("50.00") for _ in range(5)]
    for number, payment in enumerate(payments):
        say(payment, "lost", number=number)
    forget_reasons()
    assert repair_all(limit=3) == 3
    assert repair_all() == 2
    assert_books_hold()
