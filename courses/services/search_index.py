"""What search reads: kept beside each course, written by every service that changes its words."""

import uuid
from collections.abc import Collection

from django.db import connection

# Dots, slashes and underscores join words that people also look for one by one: "Node.js", "CI/CD".
_REFRESH = """
    UPDATE courses_course AS course
    SET search_document =
            setweight(to_tsvector('english', words.title), 'A')
            || setweight(to_tsvector('simple', words.title), 'A')
            || setweight(to_tsvector('english', words.context), 'B')
            || setweight(to_tsvector('simple', words.context), 'B')
            || setweight(to_tsvector('english', words.description), 'C'),
        search_text = lower(words.names)
    FROM (
        SELECT course.id,
               translate(unaccent(course.title), './_', '   ') AS title,
               translate(unaccent(concat_ws(' ', course.short_description, category.name,
                   instructor.first_name, instructor.last_name)), './_', '   ') AS context,
               translate(unaccent(course.description), './_', '   ') AS description,
               translate(unaccent(concat_ws(' ', course.title, category.name,
                   instructor.first_name, instructor.last_name)), './_', '   ') AS names
        FROM courses_course AS course
        JOIN users_user AS instructor ON instructor.id = course.instructor_id
        LEFT JOIN courses_category AS category ON category.id = course.category_id
        WHERE %(ids)s::uuid[] IS NULL OR course.id = ANY(%(ids)s::uuid[])
    ) AS words
    WHERE words.id = course.id
      AND (course.search_document IS NULL OR course.search_text <> lower(words.names)
           OR %(ids)s::uuid[] IS NOT NULL)
"""


def refresh_search(*, course_ids: Collection[uuid.UUID] | None) -> int:
    """Bring what search reads up to date with the courses' words; returns how many were written.

    None means every course whose names have changed since, e.g. that of its category or
    instructor: the nightly net below the services.
    """
    ids = None if course_ids is None else sorted(course_ids)
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, {"ids": ids})
        return int(cursor.rowcount)
