"""Thumbnails of courses: judged by content, cut to sizes, each name for one content for ever.

The course's `thumbnail` column names the widest file; the others stand beside it under the same
name with their own width, so that a page shows all sizes without a query. A name is made from the
content and the upload, and never used for anything else: its address may be cached for ever.
"""

import hashlib
import io
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import IO

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from PIL import Image

from core import pictures
from core.urls import media_url
from courses.errors import ThumbnailInvalid
from courses.models import Course

logger = logging.getLogger(__name__)

FORMATS = ("JPEG", "PNG", "WEBP")
# In pixels; the last is the one that `Course.thumbnail` names.
WIDTHS = (320, 640, 1280)
FULL_WIDTH = WIDTHS[-1]
MIN_WIDTH, MIN_HEIGHT = 640, 360
# The longer side over the shorter: what is slimmer is a strip that no card can show.
MAX_RATIO = 4

_NAME = re.compile(r"^(course_thumbnails/sized/([0-9a-f]{32})-[0-9a-f]{12})-1280\.webp$")
# What a still WebP consists of (RFC 9649): no metadata, profile or animation among it.
_PICTURE_CHUNKS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """A picture ready to be stored: WebP files by width, and the digest of the widest."""

    digest: str
    files: Mapping[int, bytes]


def make_thumbnail(*, stream: IO[bytes], size: int, is_import: bool = False) -> Thumbnail:
    """Return the picture in every width of WIDTHS, upright, without metadata, never enlarged: a
    file's width is at most the one in its name.

    With `is_import` it may be smaller, and one that is already as it would be stored keeps its
    bytes, so that an export comes back unchanged. Raises ThumbnailInvalid when it is larger than
    COURSE_THUMBNAIL_MAX_BYTES, no JPEG, PNG or WebP, damaged, too small or too slim.
    """
    try:
        pictures.check_size(size=size, limit=settings.COURSE_THUMBNAIL_MAX_BYTES)
        with pictures.open_picture(
            stream,
            formats=FORMATS,
            side=max(FULL_WIDTH, MIN_WIDTH),
            check=_check_ratio if is_import else _check_shape,
        ) as picture:
            files = _make_files(picture, _read_bare_webp(stream) if is_import else None)
    except pictures.UnusablePictureError as exc:
        raise ThumbnailInvalid(exc.reason) from None
    digest = hashlib.sha256(files[FULL_WIDTH]).hexdigest()[:32]
    return Thumbnail(digest=digest, files=files)


def store_thumbnail(*, thumbnail: Thumbnail) -> str:
    """Store the files and return the name of the widest. All are stored, or none."""
    stem = f"course_thumbnails/sized/{thumbnail.digest}-{secrets.token_hex(6)}"
    stored: list[str] = []
    try:
        for width, content in thumbnail.files.items():
            stored.append(default_storage.save(f"{stem}-{width}.webp", ContentFile(content)))
    except BaseException:
        for name in stored:
            _delete(name)
        raise
    return f"{stem}-{FULL_WIDTH}.webp"


def read_thumbnail(*, name: str) -> bytes | None:
    """Return a course's thumbnail as an import takes it unchanged; None when its file is missing
    or, put there by other means, isn't a picture that could be one."""
    try:
        with default_storage.open(name) as file:
            content: bytes = file.read()
        if _NAME.match(name):
            return content
        made = make_thumbnail(stream=io.BytesIO(content), size=len(content), is_import=True)
    except (OSError, ThumbnailInvalid) as exc:
        logger.warning("the thumbnail %s can't be read: %s", name, exc)
        return None
    return made.files[FULL_WIDTH]


def is_stored_as(*, name: str, thumbnail: Thumbnail) -> bool:
    """Whether the stored name already stands for exactly this content, and its file is there."""
    match = _NAME.match(name)
    is_same = match is not None and match[2] == thumbnail.digest
    return is_same and default_storage.exists(name)


def thumbnail_urls(name: str | None) -> dict[str, str]:
    """Return the absolute address of each size by its width ("320", "640", "1280"), smallest first;
    empty without a thumbnail, and for one that wasn't made in sizes. Needs no query."""
    match = _NAME.match(name or "")
    if match is None:
        return {}
    return {str(width): media_url(f"{match[1]}-{width}.webp") or "" for width in WIDTHS}


def discard_thumbnail(*, name: str) -> None:
    """Delete the files of a thumbnail after the caller's transaction commits, unless a course still
    shows it by then: a duplicate shares its original's.

    Whoever gives a course another's thumbnail holds a lock on that other course's row.
    """
    if name:
        transaction.on_commit(partial(_delete_unused, name), robust=True)


def delete_thumbnail(*, name: str) -> None:
    """Delete the files of a thumbnail at once. Never raises: a file that stays is only litter."""
    for stored in _names(name):
        _delete(stored)


def _delete_unused(name: str) -> None:
    if not Course.objects.filter(thumbnail=name).exists():
        delete_thumbnail(name=name)


def _make_files(picture: Image.Image, as_stored: bytes | None) -> dict[int, bytes]:
    full = _fit(picture, FULL_WIDTH)
    if as_stored is None or picture.width > FULL_WIDTH:
        as_stored = pictures.to_webp(full)
    files = {width: pictures.to_webp(_fit(full, width)) for width in WIDTHS[:-1]}
    return {**files, FULL_WIDTH: as_stored}


def _read_bare_webp(stream: IO[bytes]) -> bytes | None:
    stream.seek(0)
    content = stream.read()
    return content if _is_bare_webp(content) else None


def _check_shape(width: int, height: int) -> None:
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        raise pictures.UnusablePictureError(
            f"The image must be at least {MIN_WIDTH} pixels wide and {MIN_HEIGHT} high."
        )
    _check_ratio(width, height)


def _check_ratio(width: int, height: int) -> None:
    if max(width, height) > MAX_RATIO * min(width, height):
        raise pictures.UnusablePictureError(
            f"One side must not be more than {MAX_RATIO} times the other."
        )


def _fit(picture: Image.Image, width: int) -> Image.Image:
    if picture.width <= width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _is_bare_webp(content: bytes) -> bool:
    """Whether this is one still WebP and nothing beside it: no metadata, nothing after its end."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return False
    if int.from_bytes(content[4:8], "little") != len(content) - 8:
        return False
    position = 12
    while position + 8 <= len(content):
        if content[position : position + 4] not in _PICTURE_CHUNKS:
            return False
        length = int.from_bytes(content[position + 4 : position + 8], "little")
        position += 8 + length + length % 2
    return position == len(content)


def _names(name: str) -> list[str]:
    match = _NAME.match(name)
    return [f"{match[1]}-{width}.webp" for width in WIDTHS] if match else [name]


def _delete(name: str) -> None:
    try:
        default_storage.delete(name)
    except Exception:
        logger.warning("could not delete %s", name, exc_info=True)
