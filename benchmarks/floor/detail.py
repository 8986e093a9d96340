"""The page of a course, for somebody who isn't signed in: one statement."""

import datetime as dt
import uuid
from typing import Any

import orjson

from benchmarks.floor import sql
from benchmarks.floor.database import fetch_one
from benchmarks.floor.errors import NotFoundError
from benchmarks.floor.listing import MEDIA, to_card

_CARD_COLUMNS = 21
_THUMBNAIL = 6
_WIDTHS = ("320", "640", "1280")
_UNITS = (("week", 7 * 86_400), ("day", 86_400), ("hour", 3_600), ("minute", 60))


def show_course(reference: str) -> bytes:
    """Return the body of `GET /api/v1/courses/{id or slug}/`. Raises NotFoundError."""
    try:
        row = fetch_one(sql.DETAIL_BY_ID, {"reference": uuid.UUID(reference)})
    except ValueError:
        row = fetch_one(sql.DETAIL_BY_SLUG, {"reference": reference})
    if row is None:
        raise NotFoundError
    card = to_card(row[:_CARD_COLUMNS])
    (
        description, short_description, preview_video_url, review_count, language, last_updated,
        published_at, outcomes, requirements, distribution, bio, picture, courses, students,
        teacher_rating, lessons_count, curriculum, recent,
    ) = row[_CARD_COLUMNS:]  # fmt: skip
    card["instructor"]["profile"] = {
        "bio": bio,
        "profile_picture": MEDIA + picture if picture else None,
        "courses_count": courses,
        "students_count": students,
        "rating": teacher_rating,
    }
    body = card | {
        "thumbnails": _show_sizes(row[_THUMBNAIL]),
        "description": description,
        "short_description": short_description,
        "preview_video_url": preview_video_url,
        "review_count": review_count,
        "language": language,
        "last_updated": last_updated,
        "published_at": published_at,
        "is_published": True,
        "outcomes": orjson.Fragment(outcomes),
        "requirements": orjson.Fragment(requirements),
        "curriculum": orjson.Fragment(curriculum),
        "lessons_count": lessons_count,
        "curriculum_next": None,
        "reviews": {
            "count": card["rating_count"],
            "rating": card["rating"],
            "distribution": dict(zip("12345", distribution, strict=True)),
            "recent": _show_reviews(recent),
        },
        "progress": None,
        "viewer": {"can_buy": True, "reason": None},
    }
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)


def tell_age(moment: dt.datetime, now: dt.datetime) -> str:
    """Return how long ago it was in its largest unit, months by the calendar: "2 days ago"."""
    months = (now.year - moment.year) * 12 + now.month - moment.month
    if (moment.day, moment.time()) > (now.day, now.time()):
        months -= 1
    if months >= 12:
        return _ago(months // 12, "year")
    if months > 0:
        return _ago(months, "month")
    seconds = int((now - moment).total_seconds())
    for unit, length in _UNITS:
        if seconds >= length:
            return _ago(seconds // length, unit)
    return "just now"


def _show_sizes(name: str) -> dict[str, str]:
    stem, found, _ = name.rpartition("-1280.webp")
    if not (found and stem.startswith("course_thumbnails/sized/")):
        return {}
    return {width: f"{MEDIA}{stem}-{width}.webp" for width in _WIDTHS}


def _show_reviews(recent: str) -> list[dict[str, Any]]:
    now = dt.datetime.now(dt.UTC)
    rows: list[dict[str, Any]] = orjson.loads(recent)
    for row in rows:
        row["avatar"] = MEDIA + row["avatar"] if row["avatar"] else None
        row["date"] = tell_age(dt.datetime.fromisoformat(row["date"]), now)
    return rows


def _ago(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'} ago"
