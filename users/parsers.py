"""Form data with a picture in it."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser


class PayloadTooLarge(APIException):
    """The body is far larger than anything this address takes."""

    status_code = 413
    default_detail = "The upload is too large"
    default_code = "payload_too_large"


class PictureParser(MultiPartParser):
    """Multipart, refused unread when it can't possibly hold an acceptable picture. What is only
    somewhat too large is read, and told its limit by the service."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        meta = (parser_context or {})["request"].META
        try:
            length = int(meta.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        if length > 2 * settings.PROFILE_PICTURE_MAX_BYTES:
            raise PayloadTooLarge
        return super().parse(stream, media_type, parser_context)
