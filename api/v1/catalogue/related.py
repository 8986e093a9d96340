"""Courses to look at after this one: what its learners also learn, and its neighbours."""

from api.v1.catalogue.pages import require_visible
from core.reads import Row, fetch_prepared
from courses.errors import CourseNotFound
from courses.permissions import Viewer
from courses.selectors import (
    CardShown,
    CourseFacts,
    card_parameters,
    reference_filter,
    to_shown,
)
from courses.sql.cards import CARD_COLUMNS, CARD_TABLES

LIMIT = 8
# Of a course with a million learners the latest say enough, and of each their latest courses.
LATEST_LEARNERS = 200
LATEST_COURSES = 50


class RelatedShown(CardShown):
    """A card, and why it is there: how many of the course's latest learners have both, whether both
    stand on one shelf, and that in words."""

    shared_learners: int
    same_category: bool
    reason: str


# One row for each related course; a course without any has one row, all of whose card is null.
_RELATED = f"""
    WITH subject AS (
        SELECT id, title, category_id, instructor_id, status, is_published
        FROM courses_course WHERE {{by}} = %({{by}})s
    ), peer AS (
        SELECT user_id FROM enrollments_enrollment
        WHERE course_id = (SELECT id FROM subject) AND status = 'active'
        ORDER BY enrolled_at DESC LIMIT {LATEST_LEARNERS}
    ), shared AS (
        SELECT also.course_id, count(*) AS learners
        FROM peer
        CROSS JOIN LATERAL (
            SELECT course_id FROM enrollments_enrollment
            WHERE user_id = peer.user_id AND status = 'active'
            ORDER BY enrolled_at DESC LIMIT {LATEST_COURSES}
        ) AS also
        JOIN courses_coursestats AS listed ON listed.course_id = also.course_id
        WHERE listed.is_listed AND also.course_id <> (SELECT id FROM subject)
        GROUP BY also.course_id, listed.student_count
        ORDER BY learners DESC, listed.student_count DESC, also.course_id DESC LIMIT {LIMIT}
    ), neighbour AS (
        SELECT course_id, 0 AS learners FROM courses_coursestats
        WHERE is_listed AND category_id = (SELECT category_id FROM subject)
          AND course_id <> (SELECT id FROM subject)
        ORDER BY student_count DESC, course_id DESC LIMIT {2 * LIMIT}
    ), found AS (
        SELECT course_id, max(learners) AS learners
        FROM (SELECT * FROM shared UNION ALL SELECT * FROM neighbour) AS candidate
        GROUP BY course_id
    )
    SELECT {CARD_COLUMNS}, found.learners, course.category_id = subject.category_id,
        subject.id, subject.title, subject.category_id, subject.instructor_id, subject.status,
        subject.is_published
    FROM subject LEFT JOIN (
        {CARD_TABLES} JOIN found ON found.course_id = stats.course_id
    ) ON true
    ORDER BY found.learners DESC, stats.student_count DESC, stats.course_id DESC LIMIT {LIMIT}
"""  # noqa: S608
# In one line: psycopg reads a statement of over 4,096 characters anew each time.
_RELATED = " ".join(_RELATED.split())
_STATEMENTS = {by: _RELATED.format(by=by) for by in ("id", "slug")}
_SUBJECT = ("id", "title", "category_id", "instructor_id", "status", "is_published")


def list_related(*, reference: str, viewer: Viewer) -> list[RelatedShown]:
    """Return at most eight published courses for the course with this id or slug: those with the
    most learners in common first, then the most popular of the same category.

    One query, whose cost doesn't grow with the course, and at most two more when it isn't
    published. Raises CourseNotFound, also when it isn't the viewer's to see.
    """
    ((by, value),) = reference_filter(reference).items()
    rows = fetch_prepared(_STATEMENTS[by], {by: str(value), **card_parameters()})
    if not rows:
        raise CourseNotFound
    course = CourseFacts(**dict(zip(_SUBJECT, rows[0][-len(_SUBJECT) :], strict=True)))
    require_visible(course=course, viewer=viewer)
    return [_show(row, course) for row in rows if row[0] is not None]


def _show(row: Row, course: CourseFacts) -> RelatedShown:
    learners, same_category = row[-len(_SUBJECT) - 2 : -len(_SUBJECT)]
    card = to_shown(row)
    return {
        **card,
        "shared_learners": learners,
        "same_category": bool(same_category),
        "reason": (
            f"Learners of “{course.title}” also took this"
            if learners
            else f"Popular in {card['category']}"
        ),
    }
