"""Uploaded pictures: judged by their content, unpacked within bounds, written anew as WebP."""

import io
import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import IO

from PIL import ExifTags, Image, ImageFile, ImageOps

from core.gate import Gate
from core.picture_files import MAX_TEXT_BYTES, TooMuchTextError, find_format, strip

logger = logging.getLogger(__name__)

# Decoded, a pixel takes four bytes, and a decoder up to four times that: what a small file may
# unpack to is bounded by this.
MAX_PIXELS = 16_000_000

# EXIF's orientations whose rows are columns.
_ON_ITS_SIDE = range(5, 9)
_TOO_MUCH_TEXT = (
    f"The image carries too much text: at most {MAX_TEXT_BYTES // (1024 * 1024)} MiB, unpacked."
)

_gate = Gate()


class UnusablePictureError(Exception):
    """The upload can't become a picture. `reason` is a sentence for the person who sent it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class OverloadedPictureError(UnusablePictureError):
    """It is a picture, of more than is taken."""


class TooManyPixelsError(OverloadedPictureError):
    """It has more than MAX_PIXELS."""

    def __init__(self) -> None:
        super().__init__(
            f"The image has too many pixels: at most {MAX_PIXELS // 1_000_000} megapixels."
        )


def check_size(*, size: int, limit: int) -> None:
    """Raise UnusablePictureError when the upload is larger than `limit` bytes."""
    if size > limit:
        raise UnusablePictureError(f"The file is larger than {limit / (1024 * 1024):g} MiB.")


@contextmanager
def open_picture(
    stream: IO[bytes],
    *,
    formats: Collection[str],
    side: int,
    check: Callable[[int, int], None] | None = None,
) -> Iterator[Image.Image]:
    """Give the picture's first frame to the block, upright, as RGB or RGBA, without any metadata.

    `formats` are Pillow's names of those accepted; name and content type of an upload are not
    believed. The picture may come smaller than it is, never below `side` pixels on a side that
    had as many. `check` gets its width and height, as it will stand, before it is unpacked, and may
    raise UnusablePictureError.

    One picture at a time is unpacked and worked on in a process: whatever is made of it is made in
    the block, and a picture doesn't outlive it.

    Raises UnusablePictureError for anything else or damaged, OverloadedPictureError for more than
    MAX_PIXELS or too much text, and Unavailable when too many are waiting for their turn.
    """
    stream.seek(0)
    kind = find_format(stream.read(16))
    if kind is None or kind not in formats:
        raise _not_valid(formats)
    with _gate.passed():
        yield _open(stream, kind, formats, check, side)


def to_webp(picture: Image.Image) -> bytes:
    """Return what `open_picture` gave, or a smaller copy of it, as a WebP file. Called in its
    block, as an encoder takes as much memory again."""
    out = io.BytesIO()
    # A new image from the pixels alone: no EXIF, colour profile or comment comes along.
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    bare.save(out, format="WEBP", quality=85, method=4)
    return out.getvalue()


_NAMES = {"WEBP": "WebP"}


def _not_valid(formats: Collection[str]) -> UnusablePictureError:
    *others, last = (_NAMES.get(name, name) for name in formats)
    accepted = f"{', '.join(others)} or {last}" if others else last
    return UnusablePictureError(f"Upload a valid {accepted} image.")


def _open(
    stream: IO[bytes],
    kind: str,
    formats: Collection[str],
    check: Callable[[int, int], None] | None,
    side: int,
) -> Image.Image:
    try:
        stream.seek(0)
        bare = io.BytesIO(strip(stream.read(), kind))
        with Image.open(bare, formats=[kind]) as image:
            # Known from the header, before anything is unpacked.
            _check_pixels(image)
            if check is not None:
                check(*_upright_size(image))
            return _unpack(image, side)
    except UnusablePictureError:
        raise
    except Image.DecompressionBombError:
        raise TooManyPixelsError from None
    except TooMuchTextError:
        raise OverloadedPictureError(_TOO_MUCH_TEXT) from None
    except Exception as exc:  # whatever a decoder raises on hostile bytes, the upload is at fault
        logger.info("refused a picture: %s: %s", type(exc).__name__, exc)
        raise _not_valid(formats) from None


def _check_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise TooManyPixelsError


def _upright_size(image: Image.Image) -> tuple[int, int]:
    # Not `image.getexif()`, which unpacks a PNG to look for more behind it.
    exif = Image.Exif()
    exif.load(image.info.get("exif", b""))
    is_turned = exif.get(ExifTags.Base.Orientation) in _ON_ITS_SIDE
    return (image.height, image.width) if is_turned else image.size


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
