"""Draws the demo's pictures and puts them into the media storage."""

import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from api.demo.artwork import draw_avatar, draw_thumbnail
from api.demo.artwork.thumbnails import ThumbnailBrief
from api.demo.sources import PeopleSource, ShelfSource

# One step up when a drawing changes: pictures that are there are kept, not drawn again.
EDITION = 1
# Nobody is at a picture for so long.
_CUT_SHORT_SECONDS = 3600.0


def provide_thumbnails(*, shelves: tuple[ShelfSource, ...], people: PeopleSource) -> dict[str, str]:
    """Return the storage names of the thumbnails by slug, drawing those that are missing."""
    names = {person.key: person.full_name for person in people.instructors}
    stored = {}
    for shelf in shelves:
        for rank, course in enumerate(shelf.courses):
            brief = ThumbnailBrief(
                slug=course.slug,
                title=course.title,
                category=shelf.slug,
                category_name=shelf.name,
                instructor=names[course.instructor],
                rank=rank,
            )
            name = f"course_thumbnails/demo-{EDITION}/{course.slug}.webp"
            stored[course.slug] = _keep(name, partial(draw_thumbnail, brief))
    return stored


def provide_avatars(*, people: PeopleSource) -> dict[str, str]:
    """Return the storage names of everybody's picture by e-mail, drawing those that are missing."""
    stored = {}
    for person in people.everybody:
        name = f"profiles/demo-{EDITION}/{person.email.partition('@')[0]}.webp"
        draw = partial(draw_avatar, person.first_name, person.last_name)
        stored[person.email] = _keep(name, draw)
    return stored


def _keep(name: str, draw: Callable[[], bytes]) -> str:
    """Return the name under which the picture is stored, whole; an empty file is one cut short."""
    if default_storage.exists(name):
        if default_storage.size(name) > 0:
            return name
        default_storage.delete(name)
    content = ContentFile(draw())
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:  # No folder: a store that takes a file whole or not at all.
        return default_storage.save(name, content)
    _sweep_up(path)
    # Two loads at once draw the same: each has a file of its own until it is whole.
    unfinished = default_storage.save(f"{name}.{uuid.uuid4().hex}.new", content)
    written = Path(default_storage.path(unfinished))
    with written.open("rb") as file:
        os.fsync(file.fileno())
    written.replace(path)
    return name


def _sweep_up(path: Path) -> None:
    """Delete what a load left of the picture that was cut short some time ago."""
    for left in path.parent.glob(f"{path.name}.*new"):
        with suppress(FileNotFoundError):  # Another load sweeps, too, or has just finished it.
            if left.stat().st_mtime < time.time() - _CUT_SHORT_SECONDS:
                left.unlink()
