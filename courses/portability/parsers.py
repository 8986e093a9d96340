"""Bodies that are a course file or a picture."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from core.uploads import BoundedMultiPartParser, PayloadTooLarge, content_length


class ThumbnailParser(BoundedMultiPartParser):
    """Multipart that may hold a thumbnail."""

    @classmethod
    def max_file_bytes(cls) -> int:
        return settings.COURSE_THUMBNAIL_MAX_BYTES


class LessonFileParser(BoundedMultiPartParser):
    """Multipart that may hold a file of a lesson."""

    @classmethod
    def max_file_bytes(cls) -> int:
        return settings.LESSON_FILE_MAX_BYTES


class CourseFileParser(BoundedMultiPartParser):
    """Multipart that may hold a course file."""

    @classmethod
    def max_file_bytes(cls) -> int:
        return settings.COURSE_FILE_MAX_BYTES


class _RawParser(BaseParser):
    """The body's bytes as they are, refused unread when they are far too many."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.COURSE_FILE_MAX_BYTES
        if content_length((parser_context or {})["request"].META) > 2 * limit:
            raise PayloadTooLarge
        # Enough to tell that it is too large.
        return stream.read(limit + 1)


class RawJSONParser(_RawParser):
    """JSON unread: its faults are named by line, column and path, which needs the text."""

    media_type = "application/json"


class RawZipParser(_RawParser):
    media_type = "application/zip"
