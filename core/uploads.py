"""Bodies with files in them, refused unread when they are far too large."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser


class PayloadTooLarge(APIException):
    """The body is far larger than anything this address takes."""

    status_code = 413
    default_detail = "The upload is too large"
    default_code = "payload_too_large"


class BoundedMultiPartParser(MultiPartParser):
    """Multipart, refused unread when it can't possibly hold an acceptable file: beyond twice
    `max_file_bytes()`. What is only somewhat too large is read, and told its limit by the service.
    """

    @classmethod
    def max_file_bytes(cls) -> int:
        """Return the size of the largest file that a service behind this parser accepts."""
        raise NotImplementedError

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        if content_length((parser_context or {})["request"].META) > 2 * self.max_file_bytes():
            raise PayloadTooLarge
        return super().parse(stream, media_type, parser_context)


def content_length(meta: Mapping[str, Any]) -> int:
    """Return the length that the request announces in bytes, 0 when it announces none."""
    try:
        return int(meta.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
