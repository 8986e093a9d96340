"""Picture files reduced to what it takes to show their first frame.

Text, colour profiles, previews and further frames are left out before a decoder sees the file. A
decoder keeps each of them as objects that take many times their bytes, inflates what is
compressed, and nobody wants any of it.
"""

import re
import zlib
from collections.abc import Callable, Iterable

# What the texts of a PNG may come to, unpacked: a small file can hold a thousand times its size.
MAX_TEXT_BYTES = 1024 * 1024
# More than any program writes into a file of some megabytes.
MAX_PARTS = 50_000

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PARTS = {b"IHDR", b"PLTE", b"tRNS", b"IEND"}
_PNG_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
_WEBP_PARTS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF"}
# Flags of VP8X that promise a colour profile and XMP.
_WEBP_PROMISES = 0x20 | 0x04
# A marker after whatever stands before it: filling bytes, and what decoders pass over.
_JPEG_MARKER = re.compile(rb"\xff+([\x01-\xfe])")
_JPEG_ALONE = {0x01, *range(0xD0, 0xD9)}
_JPEG_END, _JPEG_PIXELS, _JPEG_EXIF, _JPEG_COMMENT = 0xD9, 0xDA, 0xE1, 0xFE
# The application segments that say how colours are stored: JFIF's and Adobe's.
_JPEG_LEFT_OUT = {*range(0xE0, 0xF0), _JPEG_COMMENT} - {0xE0, 0xEE}

_Part = bytes | memoryview


class MalformedError(Exception):
    """The file isn't built as its beginning says."""


class TooMuchTextError(Exception):
    """The file's texts come to more than MAX_TEXT_BYTES."""


def find_format(beginning: bytes) -> str | None:
    """Return Pillow's name of the format that a file of these first 16 bytes has."""
    if beginning.startswith(_PNG):
        return "PNG"
    if beginning.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if beginning.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    is_webp = beginning.startswith(b"RIFF") and beginning[8:12] == b"WEBP"
    return "WEBP" if is_webp else None


def strip(content: bytes, kind: str) -> bytes:
    """Return the file with its picture and, as it says which side is up, its EXIF alone.

    Nothing is unpacked but text, up to its bound. A damaged file may come back, for the decoder to
    refuse. Raises MalformedError and TooMuchTextError.
    """
    return b"".join(_STRIPPERS[kind](content))


def _strip_png(content: bytes) -> Iterable[_Part]:
    view = memoryview(content)
    kept: list[_Part] = [_PNG]
    seen = set()
    text = 0
    position = len(_PNG)
    for _ in range(MAX_PARTS):
        kind = content[position + 4 : position + 8]
        end = position + 12 + int.from_bytes(content[position : position + 4], "big")
        if kind in _PNG_TEXTS:
            text += _text_size(kind, content[position + 8 : end - 4])
            if text > MAX_TEXT_BYTES:
                raise TooMuchTextError
        elif kind == b"eXIf" and kind not in seen:
            # Before the pixels, that nothing has to be unpacked to know which side is up.
            kept.insert(2, view[position:end])
        elif kind == b"IDAT" or (kind in _PNG_PARTS and kind not in seen):
            kept.append(view[position:end])
        if kind == b"IEND" or end >= len(content):
            return kept
        seen.add(kind)
        position = end
    raise MalformedError


def _text_size(kind: bytes, text: bytes) -> int:
    """The size of a text, unpacked as far as it may be large."""
    _, _, rest = text.partition(b"\0")
    if kind == b"zTXt":
        packed = rest[1:]
    elif kind == b"iTXt" and rest[:1] == b"\x01":
        packed = rest[2:].split(b"\0", 2)[-1]
    else:
        return len(text)
    try:
        return len(text) + len(zlib.decompressobj().decompress(packed, MAX_TEXT_BYTES))
    except zlib.error:
        return len(text)


def _strip_jpeg(content: bytes) -> Iterable[_Part]:
    view = memoryview(content)
    kept: list[_Part] = [b"\xff\xd8"]
    has_exif, position = False, 2
    for _ in range(MAX_PARTS):
        found = _JPEG_MARKER.search(content, position)
        if found is None or content[found.start(1)] == _JPEG_END:
            return kept
        start, marker = found.start(1), content[found.start(1)]
        if marker == _JPEG_PIXELS:
            return [*kept, view[start - 1 :]]
        if marker in _JPEG_ALONE:
            position = start + 1
            continue
        position = start + 1 + max(2, int.from_bytes(content[start + 1 : start + 3], "big"))
        is_exif = marker == _JPEG_EXIF and content.startswith(b"Exif\0\0", start + 3)
        if (is_exif and not has_exif) or marker not in _JPEG_LEFT_OUT:
            has_exif = has_exif or is_exif
            kept.append(view[start - 1 : position])
    raise MalformedError


def _strip_webp(content: bytes) -> Iterable[_Part]:
    view = memoryview(content)
    kept: list[_Part] = []
    seen = set()
    size = min(len(content), 8 + int.from_bytes(content[4:8], "little"))
    position = 12
    for _ in range(MAX_PARTS):
        if position + 8 > size:
            total = 4 + sum(len(part) for part in kept)
            return [b"RIFF", total.to_bytes(4, "little"), b"WEBP", *kept]
        kind = content[position : position + 4]
        length = int.from_bytes(content[position + 4 : position + 8], "little")
        end = position + 8 + length + length % 2
        if kind in _WEBP_PARTS and kind not in seen:
            part: _Part = view[position : min(end, size)]
            kept.append(_unpromise(bytes(part)) if kind == b"VP8X" else part)
        seen.add(kind)
        position = end
    raise MalformedError


def _unpromise(header: bytes) -> bytes:
    return header[:8] + bytes(flags & ~_WEBP_PROMISES for flags in header[8:9]) + header[9:]


def _strip_gif(content: bytes) -> Iterable[_Part]:
    """Without the extensions before the first frame; what follows it is never read."""
    view = memoryview(content)
    flags = content[10] if len(content) > 10 else 0
    position = 13 + (3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0)
    kept: list[_Part] = [view[:position]]
    blocks = 0
    while content[position : position + 1] == b"!":
        end = position + 2
        while end < len(content) and content[end]:
            end += 1 + content[end]
            blocks += 1
        blocks += 1
        if blocks > MAX_PARTS:
            raise MalformedError
        # How the frame's colours are shown, of which the last counts.
        if content[position + 1 : position + 2] == b"\xf9":
            kept[1:] = [view[position : end + 1]]
        position = end + 1
    return [*kept, view[position:]]


_STRIPPERS: dict[str, Callable[[bytes], Iterable[_Part]]] = {
    "PNG": _strip_png,
    "JPEG": _strip_jpeg,
    "WEBP": _strip_webp,
    "GIF": _strip_gif,
}
