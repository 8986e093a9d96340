"""What a person might learn next, and why (contract "Learning": each result carries a reason)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from courses.models import Course
from courses.selectors import CourseCard, list_cards, list_published, to_cards
from enrollments.models import Enrollment

RECOMMENDATION_LIMIT = 12
# What people with the same courses took comes first, and leaves room for the person's subjects.
CO_LEARNER_LIMIT = 6
# The latest courses say what somebody is after now.
TASTE_SIZE = 5
PEERS_PER_COURSE = 200

# For each of the person's latest courses its latest other learners, and what else these learn. The
# lateral join reads no more of a popular course than `peers` rows of its index.
_ALSO_TAKEN = """
WITH mine AS (
    SELECT course_id FROM enrollments_enrollment
    WHERE user_id = %(user)s AND status <> 'revoked'
    ORDER BY enrolled_at DESC, id DESC LIMIT %(taste)s
), peers AS (
    SELECT mine.course_id AS via_id, peer.user_id
    FROM mine CROSS JOIN LATERAL (
        SELECT user_id FROM enrollments_enrollment
        WHERE course_id = mine.course_id AND user_id <> %(user)s AND status = 'active'
        ORDER BY enrolled_at DESC LIMIT %(peers)s
    ) AS peer
)
SELECT also.course_id, peers.via_id
FROM peers
JOIN enrollments_enrollment AS also
  ON also.user_id = peers.user_id AND also.status = 'active'
JOIN courses_course AS course
  ON course.id = also.course_id AND course.is_published AND course.instructor_id <> %(user)s
WHERE NOT EXISTS (
    SELECT 1 FROM enrollments_enrollment AS own
    WHERE own.user_id = %(user)s AND own.course_id = also.course_id AND own.status <> 'revoked'
)
GROUP BY also.course_id, peers.via_id
ORDER BY count(*) DESC, also.course_id DESC, peers.via_id
LIMIT %(limit)s
"""


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """A published course the person doesn't have and doesn't teach; `reason` is a sentence."""

    card: CourseCard
    reason: str


def list_recommendations(
    *, user_id: UUID, limit: int = RECOMMENDATION_LIMIT
) -> list[Recommendation]:
    """Return up to `limit` courses: what people with the same courses also took, then popular ones
    of the person's subjects, then what is popular with everybody. At most five queries."""
    found: dict[UUID, Recommendation] = {}
    for candidate in _list_candidates(user_id, limit):
        if len(found) == limit:
            break
        found.setdefault(candidate.card["id"], candidate)
    return list(found.values())


def _list_candidates(user_id: UUID, limit: int) -> Iterator[Recommendation]:
    taste = list(
        Enrollment.objects.owned()
        .filter(user_id=user_id)
        .order_by("-enrolled_at", "-id")
        .values("course_id", "course__title", "course__category_id")[:TASTE_SIZE]
    )
    if taste:
        yield from _also_taken(user_id, {row["course_id"]: row["course__title"] for row in taste})
        categories = {row["course__category_id"] for row in taste} - {None}
        rows = _list_new_to(user_id).filter(category_id__in=categories)[:limit]
        for card in to_cards(rows):
            reason = f"Popular in {card['category']}, which you are learning"
            yield Recommendation(card=card, reason=reason)
    for card in to_cards(_list_new_to(user_id)[:limit]):
        yield Recommendation(card=card, reason="Popular with learners")


def _also_taken(user_id: UUID, titles: dict[UUID, str]) -> list[Recommendation]:
    via: dict[UUID, UUID] = {}
    with connection.cursor() as cursor:
        # A course may come up once through each of the person's own: hence the factor.
        limits = {"taste": TASTE_SIZE, "peers": PEERS_PER_COURSE,
                  "limit": CO_LEARNER_LIMIT * TASTE_SIZE}  # fmt: skip
        cursor.execute(_ALSO_TAKEN, {"user": user_id, **limits})
        for course_id, via_id in cursor.fetchall():
            via.setdefault(course_id, via_id)
    chosen = list(via)[:CO_LEARNER_LIMIT]
    cards = list_cards(course_ids=chosen)
    return [
        Recommendation(
            card=cards[course_id], reason=f"Learners of “{titles[via[course_id]]}” also took this"
        )
        for course_id in chosen
        if course_id in cards
    ]


def _list_new_to(user_id: UUID) -> QuerySet[Course, Any]:
    """Published courses that the person neither has nor teaches, the most popular first."""
    owned = Enrollment.objects.owned().filter(user_id=user_id).values("course_id")
    return list_published().exclude(id__in=owned).exclude(instructor_id=user_id)
