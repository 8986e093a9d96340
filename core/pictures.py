"""Uploaded pictures: judged by their content, unpacked within bounds, written anew as WebP."""

import io
import logging
from collections.abc import Collection
from typing import IO

from PIL import Image, ImageFile, ImageOps

from core.errors import Unavailable
from core.gate import Gate

logger = logging.getLogger(__name__)

# Decoded, a pixel takes four bytes, and a decoder up to four times that: what a small file may
# unpack to is bounded by this.
MAX_PIXELS = 16_000_000

_gate = Gate()


class UnusablePictureError(Exception):
    """The upload can't become a picture. `reason` is a sentence for the person who sent it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TooManyPixelsError(UnusablePictureError):
    """It is a picture, of more than MAX_PIXELS."""

    def __init__(self) -> None:
        super().__init__(
            f"The image has too many pixels: at most {MAX_PIXELS // 1_000_000} megapixels."
        )


def check_size(*, size: int, limit: int) -> None:
    """Raise UnusablePictureError when the upload is larger than `limit` bytes."""
    if size > limit:
        raise UnusablePictureError(f"The file is larger than {limit / (1024 * 1024):g} MiB.")


def open_picture(stream: IO[bytes], *, formats: Collection[str], side: int) -> Image.Image:
    """Return the picture's first frame, upright, as RGB or RGBA and without any metadata.

    `formats` are Pillow's names of those accepted; name and content type of an upload are not
    believed. The picture may come back smaller than it is, never below `side` pixels on a side that
    had as many. Pictures are unpacked one at a time in a process.

    Raises UnusablePictureError for anything else or damaged, TooManyPixelsError for more than
    MAX_PIXELS, and Unavailable when too many are waiting to be unpacked.
    """
    try:
        with Image.open(stream, formats=tuple(formats)) as image:
            # Known from the header, before anything is unpacked, or waited for.
            _check_pixels(image)
            with _gate.passed():
                return _unpack(image, side)
    except (UnusablePictureError, Unavailable):
        raise
    except Image.DecompressionBombError:
        raise TooManyPixelsError from None
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


def _check_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise TooManyPixelsError


def _unpack(image: ImageFile.ImageFile, side: int) -> Image.Image:
    image.draft("RGB", (side, side))
    image.load()
    # Its frame may be larger than the header said.
    _check_pixels(image)
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    small: Image.Image = image
    factor = min(image.size) // side
    if factor > 1:
        # Made small before all else, as each further step takes as much memory again.
        small = _to_mode(image, wanted).reduce(factor)
    ImageOps.exif_transpose(small, in_place=True)
    return _to_mode(small, wanted)


def _to_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode and "transparency" not in image.info else image.convert(mode)
