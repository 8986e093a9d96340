"""Uploaded pictures: judged by their content, unpacked within bounds, written anew as WebP."""

import io
import logging
from collections.abc import Collection
from typing import IO

from PIL import Image, ImageOps

logger = logging.getLogger(__name__)

# Decoded, a pixel takes up to four bytes; what a small file may unpack to is bounded by this.
MAX_PIXELS = 40_000_000


class UnusablePictureError(Exception):
    """The upload can't become a picture. `reason` is a sentence for the person who sent it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def check_size(*, size: int, limit: int) -> None:
    """Raise UnusablePictureError when the upload is larger than `limit` bytes."""
    if size > limit:
        raise UnusablePictureError(f"The file is larger than {limit / (1024 * 1024):g} MiB.")


def open_picture(stream: IO[bytes], *, formats: Collection[str], side: int) -> Image.Image:
    """Return the picture's first frame, upright, as RGB or RGBA and without any metadata.

    `formats` are Pillow's names of those accepted; name and content type of an upload are not
    believed. A JPEG may come back smaller than it is, never below `side` pixels on both sides.
    Raises UnusablePictureError for anything else, damaged, or of more than MAX_PIXELS.
    """
    try:
        return _open(stream, formats, side)
    except UnusablePictureError:
        raise
    except Exception as exc:  # whatever a decoder raises on hostile bytes, the upload is at fault
        logger.info("refused a picture: %s: %s", type(exc).__name__, exc)
        *others, last = (_NAMES.get(name, name) for name in formats)
        accepted = f"{', '.join(others)} or {last}" if others else last
        raise UnusablePictureError(f"Upload a valid {accepted} image.") from None


def to_webp(picture: Image.Image) -> bytes:
    """Return what `open_picture` gave, or a smaller copy of it, as a WebP file."""
    out = io.BytesIO()
    # A new image from the pixels alone: no EXIF, colour profile or comment comes along.
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    bare.save(out, format="WEBP", quality=85, method=4)
    return out.getvalue()


_NAMES = {"WEBP": "WebP"}


def _open(stream: IO[bytes], formats: Collection[str], side: int) -> Image.Image:
    with Image.open(stream, formats=tuple(formats)) as image:
        # Known from the header, before anything is unpacked.
        if image.width * image.height > MAX_PIXELS:
            raise UnusablePictureError("The image has too many pixels.")
        image.draft("RGB", (side, side))
        image.load()
        upright = ImageOps.exif_transpose(image)
        return upright.convert("RGBA" if upright.has_transparency_data else "RGB")
