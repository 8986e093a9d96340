"""The page of one course (plan 4.3), for one viewer."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.utils import timezone

from api.v1.catalogue import curriculum, detail_sql
from core.reads import Row, fetch_prepared
from core.urls import absolute, media_url
from courses.errors import CourseNotFound
from courses.lesson_files import LESSONS
from courses.media import thumbnail_urls
from courses.permissions import Viewer
from courses.selectors import card_parameters, find_course, reference_filter, to_shown
from enrollments.selectors.access import percent
from reviews.selectors import tell_age
from users.models import User
from users.rights import may_open_lessons

RECENT_REVIEWS = 5
# Where `courses.sql.cards.CARD_COLUMNS` has the picture's name.
THUMBNAIL = 6
_STARS = ("5", "4", "3", "2", "1")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a viewer has with a course: may they see it, which lessons are open, how far are they.

    `is_open` opens the media of every lesson; `progress` is None unless the viewer is learning;
    `obstacle` says why the viewer can't buy it, None if they can.
    """

    may_see: bool = False
    is_open: bool = False
    in_cart: bool = False
    in_wishlist: bool = False
    obstacle: str | None = None
    progress: dict[str, Any] | None = None
    completed: frozenset[str] = frozenset()


_NOBODY = Standing()


def get_course_page(*, reference: str, viewer: Viewer) -> dict[str, Any]:
    """Return the page of the course with this id or slug. Raises CourseNotFound, also for an
    unpublished one that isn't the viewer's to see.

    One query for an anonymous viewer and two for one who is signed in; two more for a curriculum
    that takes more than `COURSE_PAGE_BYTES`, of which only the beginning is shown. Media of lessons
    that aren't open to the viewer aren't even read.
    """
    lookup = {name: str(value) for name, value in reference_filter(reference).items()}
    (by,) = lookup
    standing = _find_standing(by, lookup, viewer)
    rows = fetch_prepared(
        detail_sql.PAGE[by],
        {
            **lookup,
            **card_parameters(),
            "with_media": standing.is_open,
            "lessons": absolute(LESSONS),
            "reviews": RECENT_REVIEWS,
            "page_bytes": settings.COURSE_PAGE_BYTES,
        },
    )
    if not rows:
        raise CourseNotFound
    return _show(rows[0], standing)


def get_lesson_page(*, reference: str, viewer: Viewer, page: int, page_size: int) -> dict[str, Any]:
    """Return a page of the lessons of the course with this id or slug, in the order in which they
    are learned. Raises CourseNotFound as `get_course_page`, and NotFound for a page past the end.

    Three queries for an anonymous viewer, one more for one who is signed in.
    """
    course = find_course(reference=reference)
    standing = _find_standing("id", {"id": str(course.id)}, viewer)
    if not (course.is_published or standing.may_see):
        raise CourseNotFound
    return curriculum.list_lessons(
        course_id=str(course.id),
        with_media=standing.is_open,
        completed=standing.completed,
        page=page,
        page_size=page_size,
    )


def _find_standing(by: str, lookup: dict[str, str], viewer: Viewer) -> Standing:
    if not isinstance(viewer, User):
        return _NOBODY
    rows = fetch_prepared(detail_sql.VIEWER[by], {**lookup, "user": str(viewer.id)})
    if not rows:
        raise CourseNotFound
    ((_, is_published, instructor_id, enrollment_id, status, total, completed, in_cart,
      in_wishlist, is_paying, is_withdrawn),) = rows  # fmt: skip
    is_in_charge = may_open_lessons(viewer) or viewer.id == instructor_id
    is_learning = status == "active"
    progress = {
        "enrollment_id": enrollment_id,
        "progress_percent": percent(completed=len(completed), total=total),
        "lessons_completed": len(completed),
        "total_lessons": total,
    }
    return Standing(
        # What somebody owns or pays for was taken off sale for others.
        may_see=is_published or is_in_charge or enrollment_id is not None or is_paying,
        is_open=is_learning or is_in_charge,
        in_cart=in_cart and not is_paying,
        in_wishlist=in_wishlist,
        obstacle=_find_obstacle(
            is_owned=enrollment_id is not None,
            is_paying=is_paying,
            is_published=is_published,
            is_own=viewer.id == instructor_id,
            is_withdrawn=is_withdrawn,
        ),
        progress=progress if is_learning else None,
        completed=frozenset(completed) if is_learning else frozenset(),
    )


def _find_obstacle(
    *, is_owned: bool, is_paying: bool, is_published: bool, is_own: bool, is_withdrawn: bool
) -> str | None:
    """Say what keeps the viewer from buying it: `cart.selectors.Obstacle`, in its order."""
    if is_owned:
        return "already_enrolled"
    if is_paying:
        return "payment_in_progress"
    if not is_published:
        return "not_for_sale"
    if is_own:
        return "own_course"
    return "access_withdrawn" if is_withdrawn else None


def _show(row: Row, standing: Standing) -> dict[str, Any]:
    (
        is_published, description, short_description, preview_video_url, language, last_updated,
        published_at, outcomes, requirements, review_count, stars, bio, picture, courses, students,
        rating, lessons_count, sections, reviews,
    ) = row[-19:]  # fmt: skip
    if not (is_published or standing.may_see):
        raise CourseNotFound
    card = to_shown(row)
    shown, rest = _show_curriculum(card["id"], sections, standing)
    profile = {
        "bio": bio or "",
        "profile_picture": media_url(picture),
        "courses_count": courses,
        "students_count": students,
        "rating": rating,
    }
    return {
        **card,
        "thumbnails": thumbnail_urls(row[THUMBNAIL]),
        "enrolled": standing.progress is not None,
        "in_cart": standing.in_cart,
        "in_wishlist": standing.in_wishlist,
        "instructor": {**card["instructor"], "profile": profile},
        "description": description,
        "short_description": short_description,
        "preview_video_url": preview_video_url or None,
        "review_count": review_count,
        "language": language,
        "last_updated": last_updated,
        "published_at": published_at,
        "is_published": is_published,
        "outcomes": orjson.Fragment(outcomes),
        "requirements": orjson.Fragment(requirements),
        "curriculum": shown,
        "lessons_count": lessons_count,
        "curriculum_next": rest,
        "reviews": {
            "count": card["rating_count"],
            "rating": card["rating"],
            "distribution": dict(zip(_STARS, stars, strict=True)),
            "recent": _show_reviews(reviews),
        },
        "progress": standing.progress,
        "viewer": {"can_buy": standing.obstacle is None, "reason": standing.obstacle},
    }


def _show_curriculum(
    course_id: str, sections: str | None, standing: Standing
) -> tuple[Any, str | None]:
    """Return the curriculum as PostgreSQL wrote it, or with what the learner completed; of one that
    is too long (None) the beginning, and the address of the rest."""
    if sections is None:
        return curriculum.show_beginning(
            course_id=course_id, with_media=standing.is_open, completed=standing.completed
        )
    if not standing.completed:
        return orjson.Fragment(sections), None
    shown = orjson.loads(sections)
    for section in shown:
        for lesson in section["lessons"]:
            lesson["completed"] = lesson["id"] in standing.completed
    return shown, None


def _show_reviews(reviews: str | None) -> list[dict[str, Any]]:
    now = timezone.now()
    return [
        {
            **review,
            "avatar": media_url(review["avatar"]),
            "date": tell_age(dt.datetime.fromtimestamp(review["date"], dt.UTC), now=now),
        }
        for review in orjson.loads(reviews or "[]")
    ]
