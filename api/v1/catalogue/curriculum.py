"""Lessons by pages, for a curriculum that is too long to be shown whole on its course's page."""

from itertools import accumulate
from typing import Any

import orjson
from django.conf import settings
from rest_framework.exceptions import NotFound

from core.reads import fetch_rows
from core.urls import absolute
from courses.lesson_files import LESSONS
from courses.sql import detail

# Numbers of lessons that a course's page may begin with, so that whole pages follow.
_BEGINNINGS = (100, 50, 20, 10, 5, 2, 1)

# The id of its section, and its JSON.
_Lesson = tuple[str, str]


def show_beginning(
    *, course_id: str, with_media: bool, completed: frozenset[str]
) -> tuple[list[dict[str, Any]], str | None]:
    """Return all sections with the first lessons, as many as `COURSE_PAGE_BYTES` have room for, and
    the address of the page of lessons that follows. Descriptions of sections are cut. Two queries.
    """
    found = _read_lessons(course_id, with_media, limit=_BEGINNINGS[0], offset=0)
    sums = list(accumulate(len(text) for _, text in found))
    size = next(
        (size for size in _BEGINNINGS if sums[:size][-1:] <= [settings.COURSE_PAGE_BYTES]), 1
    )
    lessons: dict[str, list[dict[str, Any]]] = {}
    for section_id, text in found[:size]:
        lessons.setdefault(section_id, []).append(_show(text, completed))
    rows = fetch_rows(detail.SECTIONS, {"course": course_id})
    sections = [
        {
            "id": section_id,
            "title": title,
            "description": description,
            "order": order,
            "total_lessons": total,
            "total_duration_minutes": minutes,
            "lessons": lessons.get(section_id, []),
        }
        for section_id, title, description, order, total, minutes in rows
    ]
    is_all = sum(section["total_lessons"] for section in sections) <= size
    return sections, None if is_all else _address(course_id, page=2, page_size=size)


def list_lessons(
    *, course_id: str, with_media: bool, completed: frozenset[str], page: int, page_size: int
) -> dict[str, Any]:
    """Return a page of the course's lessons, each with the id of its section. Two queries. Raises
    NotFound for a page past the end."""
    ((count,),) = fetch_rows(detail.COUNT_LESSONS, {"course": course_id})
    pages = -(-count // page_size) or 1
    if page > pages:
        raise NotFound("Invalid page.")
    found = _read_lessons(course_id, with_media, limit=page_size, offset=(page - 1) * page_size)
    return {
        "count": count,
        "next": _address(course_id, page + 1, page_size) if page < pages else None,
        "previous": _address(course_id, page - 1, page_size) if page > 1 else None,
        "total_pages": pages,
        "current_page": page,
        "results": [
            {**_show(text, completed), "section_id": section_id} for section_id, text in found
        ],
    }


def _read_lessons(course_id: str, with_media: bool, *, limit: int, offset: int) -> list[_Lesson]:
    parameters = {
        "course": course_id,
        "with_media": with_media,
        "lessons": absolute(LESSONS),
        "limit": limit,
        "offset": offset,
    }
    return [(row[0], row[1]) for row in fetch_rows(detail.LESSONS, parameters)]


def _show(text: str, completed: frozenset[str]) -> dict[str, Any]:
    lesson: dict[str, Any] = orjson.loads(text)
    lesson["completed"] = lesson["id"] in completed
    return lesson


def _address(course_id: str, page: int, page_size: int) -> str:
    return absolute(f"/api/v1/courses/{course_id}/lessons/?page={page}&page_size={page_size}")
