"""What a small file may take: measured in a process of its own, as the kernel counts it."""

import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import ExifTags, Image

from core import pictures
from core.errors import Unavailable
from courses import media
from courses.errors import ThumbnailInvalid

_MEBIBYTE = 1024 * 1024

# Prints by how many bytes the process grew at its highest while it made the pictures.
_MEASURE = """
import io, sys, threading
from pathlib import Path
import django
django.setup()
from django.conf import settings
from PIL import Image
from core.errors import Invalid
from courses import media

settings.HEAVY_WAIT_SECONDS = 600
content = sys.stdin.buffer.read()
done = []

def make(content):
    try:
        media.make_thumbnail(stream=io.BytesIO(content), size=len(content))
    except Invalid as exc:
        print(exc.details, file=sys.stderr)
    done.append(content)

def highest():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

for kind in media.FORMATS:
    small = io.BytesIO()
    Image.new("RGB", (640, 360)).save(small, kind)
    make(small.getvalue())
Path("/proc/self/clear_refs").write_text("5")
before = highest()
threads = [threading.Thread(target=make, args=[content]) for _ in range(int(sys.argv[1]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(done) == len(media.FORMATS) + len(threads), "not all had their turn"
print(highest() - before)
"""


def measure(content: bytes, threads: int = 1) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(threads)],
        input=content,
        capture_output=True,
        check=True,
        timeout=300,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "learnflow.settings.testing"},
    )
    return int(done.stdout)


def picture(
    kind: str, size: tuple[int, int] = (700, 400), mode: str = "RGB", turned: int = 1
) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turned
    Image.new(mode, size).save(out, kind, exif=exif)
    return out.getvalue()


def png_with(parts: list[tuple[bytes, bytes]]) -> bytes:
    chunks = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    plain = picture("PNG")
    return plain[:33] + chunks + plain[33:]


def inflating_texts() -> bytes:
    """63 texts of a kilobyte that become a megabyte, in the widest characters."""
    packed = zlib.compress(("a" * (_MEBIBYTE - 8) + "\U0001f600").encode(), 9)
    return png_with([(b"iTXt", b"k%d\0\1\0\0\0" % number + packed) for number in range(63)])


def nameless_texts() -> bytes:
    return png_with([(b"tEXt", b"%x\0" % number) for number in range(250_000)])


def empty_segments() -> bytes:
    plain = picture("JPEG")
    return plain[:2] + b"\xff\xe5\0\2" * 1_000_000 + plain[2:]


@pytest.mark.parametrize("make", [inflating_texts, nameless_texts, empty_segments])
def test_what_a_file_says_beside_its_picture_takes_little_memory(
    make: Callable[[], bytes],
) -> None:
    content = make()
    assert len(content) <= 5 * _MEBIBYTE
    assert measure(content) < 30 * _MEBIBYTE


def test_four_large_pictures_take_little_more_than_one() -> None:
    content = picture("PNG", (1_290, 2_600), "RGBA")
    one = measure(content)
    assert one > 20 * _MEBIBYTE
    assert measure(content, threads=4) < 2 * one


@pytest.mark.parametrize(
    ("size", "turned", "reason"),
    [
        ((700, 3_000), 1, "4 times the other"),
        ((639, 700), 1, "at least 640 pixels wide"),
        ((700, 400), 6, "at least 640 pixels wide"),
    ],
)
@pytest.mark.parametrize("kind", media.FORMATS)
def test_a_shape_that_is_refused_is_never_unpacked(
    kind: str,
    size: tuple[int, int],
    turned: int,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "_unpack", None)
    content = picture(kind, size, turned=turned)
    with pytest.raises(ThumbnailInvalid) as refusal:
        media.make_thumbnail(stream=io.BytesIO(content), size=len(content))
    assert reason in str(refusal.value.details)


def test_whatever_is_made_of_a_picture_is_made_in_its_turn(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEAVY_WAIT_SECONDS = 0
    made = []
    original = pictures.to_webp

    def spy(picture: Image.Image) -> bytes:
        with pytest.raises(Unavailable), pictures._gate.passed():
            pass
        made.append(picture.width)
        return original(picture)

    monkeypatch.setattr(pictures, "to_webp", spy)
    content = picture("PNG", (1_300, 800))
    media.make_thumbnail(stream=io.BytesIO(content), size=len(content))
    assert sorted(made) == [320, 640, 1280]
    with pictures._gate.passed():
        pass
