"""Courses to look at after this one: what its learners also learn, and its neighbours."""

from core.reads import fetch_prepared
from courses.selectors import CardShown, CourseFacts, card_parameters, to_shown
from courses.sql.cards import CARD_COLUMNS, CARD_TABLES

LIMIT = 8
# Of a course with a million learners the latest say enough, and of each their latest courses.
LATEST_LEARNERS = 200
LATEST_COURSES = 50

_RELATED = f"""
    WITH peer AS (
        SELECT user_id FROM enrollments_enrollment
        WHERE course_id = %(course)s AND status = 'active'
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
        WHERE listed.is_listed AND also.course_id <> %(course)s
        GROUP BY also.course_id, listed.student_count
        ORDER BY learners DESC, listed.student_count DESC, also.course_id DESC LIMIT {LIMIT}
    ), neighbour AS (
        SELECT course_id, 0 AS learners FROM courses_coursestats
        WHERE is_listed AND category_id = %(category)s AND course_id <> %(course)s
        ORDER BY student_count DESC, course_id DESC LIMIT {2 * LIMIT}
    ), found AS (
        SELECT course_id, max(learners) AS learners
        FROM (SELECT * FROM shared UNION ALL SELECT * FROM neighbour) AS candidate
        GROUP BY course_id
    )
    SELECT {CARD_COLUMNS}
    FROM {CARD_TABLES} JOIN found ON found.course_id = stats.course_id
    ORDER BY found.learners DESC, stats.student_count DESC, stats.course_id DESC LIMIT {LIMIT}
"""  # noqa: S608


def list_related(*, course: CourseFacts) -> list[CardShown]:
    """Return at most eight published courses: those with the most learners in common first, then
    the most popular of the same category. One query, whose cost doesn't grow with the course."""
    category = str(course.category_id) if course.category_id else None
    rows = fetch_prepared(
        _RELATED, {"course": str(course.id), "category": category, **card_parameters()}
    )
    return [to_shown(row) for row in rows]
