"""Slugs: made from titles, each at most once, none of the words that paths need."""

import re
import secrets
from collections.abc import Iterator

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.text import slugify

from core.ids import parse_id
from courses.errors import SlugTaken
from courses.models import RESERVED_SLUGS, Course

MAX_LENGTH = 255
# Room for "-" and a number, or a random ending.
_STEM_LENGTH = 230
# Authors who take the same words at the same moment are few; then chance decides.
_NUMBERED_ATTEMPTS = 5
_PATTERN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def find_slug_fault(*, slug: str) -> str | None:
    """Return why the slug isn't acceptable, None when it is. Whether it is free is another
    question, which the database answers."""
    if len(slug) > MAX_LENGTH or not _PATTERN.fullmatch(slug):
        return "Use small letters, digits and single dashes between them."
    if slug in RESERVED_SLUGS or parse_id(slug) is not None:
        return "This word is reserved."
    return None


def insert_with_slug(*, course: Course, words: str = "") -> None:
    """Insert the course under a free slug made from these words, or its title. Of two authors who
    take the same words at once, the second gets the next number. In the caller's transaction."""
    for slug in _candidates(words or course.title):
        course.slug = slug
        try:
            save_slug(course=course, force_insert=True)
        except SlugTaken:
            continue
        return
    raise SlugTaken


def save_slug(*, course: Course, force_insert: bool = False) -> None:
    """Save the course's slug, or insert the whole course. Raises SlugTaken, with the caller's
    transaction still usable."""
    try:
        with transaction.atomic():
            if force_insert:
                course.save(force_insert=True)
            else:
                course.save(update_fields=["slug"])
    except IntegrityError as exc:
        if "slug" not in _constraint_name(exc):
            raise
        raise SlugTaken from None


def _candidates(title: str) -> Iterator[str]:
    stem = slugify(title)[:_STEM_LENGTH].strip("-_").replace("_", "-") or "course"
    stem = re.sub(r"-{2,}", "-", stem)
    similar = Course.objects.filter(Q(slug=stem) | Q(slug__startswith=f"{stem}-"))
    taken = set(similar.values_list("slug", flat=True))
    if stem not in taken and find_slug_fault(slug=stem) is None:
        yield stem
    number = 2
    for _ in range(_NUMBERED_ATTEMPTS):
        while f"{stem}-{number}" in taken:
            number += 1
        yield f"{stem}-{number}"
        number += 1
    yield f"{stem}-{secrets.token_hex(6)}"


def _constraint_name(exc: IntegrityError) -> str:
    diagnosis = getattr(exc.__cause__, "diag", None)
    return str(getattr(diagnosis, "constraint_name", "") or "")
