"""Rules of staff who decide about somebody's access by themselves."""

import uuid

from hypothesis.stateful import precondition
from hypothesis.strategies import sampled_from

from enrollments import services as enrollment_services
from enrollments.errors import AlreadyEnrolled
from enrollments.services import Reason
from tests.proof.market import PICK, Market, act
from tests.proof.snapshot import Row

# A few more that rest or are lifted: what is revoked can be bought again, or granted.
DECISIONS = ("suspend", "suspend", "revoke", "lift", "lift", "grant", "grant")


class Deciding(Market):
    """Staff at work in the admin's list of enrolments."""

    @precondition(lambda self: self.now.enrollments)
    @act(number=PICK, what=sampled_from(DECISIONS))
    def decide_about_access(self, number: int, what: str) -> None:
        assert self.world.staff is not None
        row = self.pick(list(self.now.enrollments.values()), number)
        ids, actor_id = [uuid.UUID(row["id"])], self.world.staff.id
        if what == "lift":
            done = enrollment_services.lift_staffs_reason(enrollment_ids=ids, actor_id=actor_id)
            assert done == (row["staff"] is not None)
        elif what == "grant":
            done = self._grant(row, actor_id)
            assert done == (row["status"] == "revoked")
        else:
            hold = enrollment_services.suspend_enrollments
            if what == "revoke":
                hold = enrollment_services.revoke_enrollments
            done = hold(
                enrollment_ids=ids, reason=Reason.of_staff("shared the password"), actor_id=actor_id
            )
        self.count(f"staff {what} {'done' if done else 'again'}")

    def _grant(self, row: Row, actor_id: uuid.UUID) -> bool:
        """Whether it was theirs to give: who has a course, if it rests, is given it by lifting."""
        try:
            enrollment_services.grant_access(
                user_id=uuid.UUID(row["user_id"]),
                course_id=uuid.UUID(row["course_id"]),
                actor_id=actor_id,
            )
        except AlreadyEnrolled:
            return False
        return True
