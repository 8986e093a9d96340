"""Reasons against access: each is ended by its own cause alone, in whatever order they come."""

from collections.abc import Callable, Collection
from itertools import combinations, permutations
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from core.audit import AuditEntry
from courses.models import CourseStats
from enrollments import services
from enrollments.models import AccessHold, Certificate, Enrollment
from enrollments.services import Reason, holds
from enrollments.tests.buying import enroll_buyer
from tests.factories import EnrollmentFactory, StaffFactory, UserFactory
from tests.parallel import Beside

pytestmark = pytest.mark.django_db

DISPUTE, OTHER_DISPUTE = Reason.of_dispute(uuid4()), Reason.of_dispute(uuid4())
REFUND = Reason.of_refund(uuid4())
STAFF = Reason.of_staff("shared the password")
# What each reason does, and what is left of access while it alone is open.
DEEDS: dict[str, tuple[Reason, str]] = {
    "dispute": (DISPUTE, "suspended"),
    "lost": (DISPUTE, "revoked"),
    "other dispute": (OTHER_DISPUTE, "suspended"),
    "refund": (REFUND, "revoked"),
    "staff rest": (STAFF, "suspended"),
    "staff revoke": (STAFF, "revoked"),
}
PAIRS = [
    pair
    for pair in permutations(DEEDS, 2)
    if (DEEDS[pair[0]][0].cause, DEEDS[pair[0]][0].object_id)
    != (DEEDS[pair[1]][0].cause, DEEDS[pair[1]][0].object_id)
]
STRICTNESS = ["active", "suspended", "revoked"]


@pytest.fixture
def bought(enrollment: Enrollment) -> Enrollment:
    CourseStats.objects.update_or_create(
        course_id=enrollment.course_id, defaults={"student_count": 1}
    )
    return enrollment


def do(enrollment: Enrollment, deed: str) -> int:
    reason, effect = DEEDS[deed]
    hold = {"suspended": services.suspend_enrollments, "revoked": services.revoke_enrollments}
    return hold[effect](enrollment_ids=[enrollment.id], reason=reason)


def lift(enrollment: Enrollment, deed: str) -> int:
    reason = DEEDS[deed][0]
    if reason is STAFF:
        return services.lift_staffs_reason(enrollment_ids=[enrollment.id], actor_id=uuid4())
    return services.lift_reason(reason=reason)


def status(enrollment: Enrollment) -> str:
    enrollment.refresh_from_db()
    return enrollment.status


def strictest(*deeds: str) -> str:
    return max((DEEDS[deed][1] for deed in deeds), key=STRICTNESS.index, default="active")


@pytest.mark.parametrize("first_lifted", [0, 1])
@pytest.mark.parametrize("pair", PAIRS, ids=" then ".join)
def test_each_reason_is_lifted_alone(
    bought: Enrollment, pair: tuple[str, str], first_lifted: int
) -> None:
    for count, deed in enumerate(pair, 1):
        assert do(bought, deed) == 1
        assert do(bought, deed) == 0, "it is there already"
        assert status(bought) == strictest(*pair[:count])
    left = pair[1 - first_lifted]
    assert lift(bought, pair[first_lifted]) == 1
    assert lift(bought, pair[first_lifted]) == 0
    assert status(bought) == strictest(left)
    assert CourseStats.objects.get(course_id=bought.course_id).student_count == 0
    assert lift(bought, left) == 1
    assert status(bought) == "active"
    assert CourseStats.objects.get(course_id=bought.course_id).student_count == 1


@pytest.mark.parametrize("three", [*combinations(["lost", "refund", "staff rest"], 3)])
def test_a_certificate_is_valid_while_access_merely_rests(
    bought: Enrollment, complete: Callable[[Enrollment], None], three: tuple[str, ...]
) -> None:
    complete(bought)
    for deed in three:
        do(bought, deed)
    lift(bought, "lost")
    assert Certificate.objects.get().revoked_at is not None
    lift(bought, "refund")
    assert status(bought) == "suspended"
    assert Certificate.objects.get().revoked_at is None


def test_what_rested_is_revoked_and_how_it_was_is_kept(bought: Enrollment) -> None:
    do(bought, "dispute")
    assert do(bought, "lost") == 1
    assert do(bought, "dispute") == 0, "what is revoked isn't let rest"
    told = [(hold.effect, hold.ended_at is None) for hold in AccessHold.objects.all()]
    assert told == [("suspended", False), ("revoked", True)]


def test_money_that_pays_again_leaves_what_staff_decided(bought: Enrollment) -> None:
    for deed in ("refund", "lost", "other dispute", "staff rest"):
        do(bought, deed)
    assert services.reopen_enrollments(enrollment_ids=[bought.id]) == {bought.id}
    assert set(AccessHold.objects.filter(ended_at=None).values_list("cause", "effect")) == {
        ("staff", "suspended"),
        ("dispute", "suspended"),
    }
    assert services.reopen_enrollments(enrollment_ids=[bought.id]) == set()


@pytest.mark.parametrize("how", ["bought", "granted"])
def test_what_is_opened_anew_begins_without_reasons(bought: Enrollment, how: str) -> None:
    staff = StaffFactory.create()
    for deed in ("refund", "staff revoke"):
        do(bought, deed)
    if how == "bought":
        enroll_buyer(user_id=bought.user_id, course_ids=[bought.course_id])
    else:
        services.grant_access(user_id=bought.user_id, course_id=bought.course_id, actor_id=staff.id)
    assert status(bought) == "active"
    assert not AccessHold.objects.filter(ended_at=None).exists()
    ended = AuditEntry.objects.get(action="enrollment.resumed")
    source, actor_id = ("purchase", None) if how == "bought" else ("staff", staff.id)
    assert (ended.target_id, ended.actor_id) == (str(bought.id), actor_id)
    assert ended.details == {"status": "active", "reason": STAFF.note, "source": source}
    assert set(AccessHold.objects.values_list("ended_by", flat=True)) == {actor_id}
    assert lift(bought, "refund") == 0
    assert status(bought) == "active"


def test_what_a_lift_may_not_open_is_left_to_the_repair(bought: Enrollment) -> None:
    """The version before has revoked it, and left no reason."""
    do(bought, "staff rest")
    Enrollment.objects.update(status="revoked")
    lift(bought, "staff rest")
    assert status(bought) == "revoked"
    do(bought, "dispute")
    assert status(bought) == "revoked"
    services.settle_enrollments(enrollment_ids=[bought.id])
    assert status(bought) == "suspended"


@pytest.mark.parametrize("reason", [DISPUTE, STAFF], ids=["dispute", "staff"])
def test_the_database_keeps_one_open_reason_of_a_kind(bought: Enrollment, reason: Reason) -> None:
    one = {
        "enrollment": bought, "cause": reason.cause, "object_id": reason.object_id,
        "effect": "suspended", "note": "x",
    }  # fmt: skip
    AccessHold.objects.create(**one)
    with pytest.raises(IntegrityError, match="access_hold_one"), transaction.atomic():
        AccessHold.objects.create(**one)


def test_an_enrolment_takes_its_reasons_along(bought: Enrollment) -> None:
    """Whoever deletes it: the version before doesn't know them."""
    do(bought, "refund")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM enrollments_enrollment WHERE id = %s", [bought.id])
    assert not AccessHold.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("beside", ["lift", "hold"])
def test_a_reason_is_opened_and_another_ended_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, beside: str
) -> None:
    """Whoever comes second sees what the first did: without the lock each would decide by the
    reasons that were there before, and the course be open with a reason against it."""
    enrollment = EnrollmentFactory.create(user=UserFactory.create())
    do(enrollment, "staff rest")
    deeds = [lambda: do(enrollment, "dispute"), lambda: lift(enrollment, "staff rest")]
    if beside == "hold":
        deeds.reverse()
    first, second = deeds
    derive = holds._derive
    begun: list[Beside | None] = []

    def derive_while_another_is_at_it(
        rows: Collection[Enrollment],
    ) -> dict[UUID, Enrollment.Status]:
        found = derive(rows)
        if not begun:
            begun.append(None)
            begun[0] = Beside(second)
        return found

    monkeypatch.setattr(holds, "_derive", derive_while_another_is_at_it)
    first()
    (other,) = begun
    assert other is not None
    assert other.had_to_wait
    assert other.result() == 1
    assert status(enrollment) == "suspended"
    assert AccessHold.objects.get(ended_at=None).cause == "dispute"
