"""What search reads: kept beside each course, written by every service that changes its words."""

import uuid
from collections.abc import Collection

from django.db import connection, transaction

BATCH = 200

# Dots, slashes and underscores join words that people also look for one by one: "Node.js", "CI/CD".
# A tsvector holds less than a megabyte: of a description without end only the beginning is found.
_WORDS = """
    SELECT course.id, course.search_document, course.search_text,
           translate(unaccent(course.title), './_', '   ') AS title,
           translate(unaccent(concat_ws(' ', course.short_description, category.name,
               instructor.first_name, instructor.last_name)), './_', '   ') AS context,
           translate(unaccent(left(course.description, 100000)), './_', '   ') AS description,
           lower(translate(unaccent(concat_ws(' ', course.title, category.name,
               course.short_description, instructor.first_name, instructor.last_name)),
               './_', '   ')) AS names
    FROM courses_course AS course
    JOIN users_user AS instructor ON instructor.id = course.instructor_id
    LEFT JOIN courses_category AS category ON category.id = course.category_id
"""
_LOCK = "SELECT 1 FROM courses_course WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"
_REFRESH = f"""
    UPDATE courses_course AS course
    SET search_document =
            setweight(to_tsvector('english', words.title), 'A')
            || setweight(to_tsvector('simple', words.title), 'A')
            || setweight(to_tsvector('english', words.context), 'B')
            || setweight(to_tsvector('simple', words.context), 'B')
            || setweight(to_tsvector('english', words.description), 'C'),
        search_text = words.names
    FROM ({_WORDS} WHERE course.id = ANY(%(ids)s)) AS words
    WHERE words.id = course.id
"""  # noqa: S608
_STALE = f"""
    SELECT words.id FROM ({_WORDS}) AS words
    WHERE words.search_document IS NULL OR words.search_text <> words.names
    ORDER BY words.id
"""  # noqa: S608


def refresh_search(*, course_ids: Collection[uuid.UUID]) -> None:
    """Bring what search reads up to date with the courses' words. Locks them in key order."""
    if course_ids:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LOCK, {"ids": sorted(course_ids)})
            cursor.execute(_REFRESH, {"ids": sorted(course_ids)})


def refresh_stale_search() -> int:
    """Refresh the courses whose title, summary, category or instructor reads otherwise by now;
    returns how many. The nightly net below the services: a person's name changes on a floor that
    knows no courses."""
    with connection.cursor() as cursor:
        cursor.execute(_STALE)
        stale = [row[0] for row in cursor.fetchall()]
    for start in range(0, len(stale), BATCH):
        refresh_search(course_ids=stale[start : start + BATCH])
    return len(stale)
