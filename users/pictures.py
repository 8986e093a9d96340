"""Profile pictures: judged by their content, made small and anonymous, never kept as uploaded."""

import io
import logging
from collections.abc import Iterable
from typing import IO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps

from core.errors import Invalid

logger = logging.getLogger(__name__)

FORMATS: Iterable[str] = ("JPEG", "PNG", "WEBP", "GIF")
# Decoded, a pixel takes up to four bytes; what a small file may unpack to is bounded by this.
MAX_PIXELS = 40_000_000
MAX_SIDE = 512


class PictureInvalid(Invalid):
    """The upload can't become a profile picture."""

    def __init__(self, reason: str) -> None:
        super().__init__("The picture is not acceptable", profile_picture=[reason])


def make_picture(upload: UploadedFile) -> bytes:
    """Return the upload as WebP of at most 512 px a side, upright and without metadata.

    Raises PictureInvalid when it is larger than PROFILE_PICTURE_MAX_BYTES, no JPEG, PNG, WebP or
    GIF, damaged, or unreasonably large when unpacked. Name and content type are not believed.
    """
    limit = settings.PROFILE_PICTURE_MAX_BYTES
    if (upload.size or 0) > limit:
        raise PictureInvalid(f"The file is larger than {limit // (1024 * 1024)} MiB.")
    try:
        return _encode(upload)
    except PictureInvalid:
        raise
    except Exception as exc:  # whatever a decoder raises on hostile bytes, the upload is at fault
        logger.info("refused a profile picture: %s: %s", type(exc).__name__, exc)
        raise PictureInvalid("Upload a valid JPEG, PNG, WebP or GIF image.") from None


def _encode(stream: IO[bytes]) -> bytes:
    with Image.open(stream, formats=tuple(FORMATS)) as image:
        # Known from the header, before anything is unpacked.
        if image.width * image.height > MAX_PIXELS:
            raise PictureInvalid("The image has too many pixels.")
        image.draft("RGB", (MAX_SIDE * 2, MAX_SIDE * 2))
        image.load()
        upright = ImageOps.exif_transpose(image)
        has_alpha = upright.has_transparency_data
        small = upright.convert("RGBA" if has_alpha else "RGB")
    small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    # A new image from the pixels alone: no EXIF, colour profile or comment comes along.
    bare = Image.new(small.mode, small.size)
    bare.paste(small)
    bare.save(out, format="WEBP", quality=85, method=4)
    return out.getvalue()
