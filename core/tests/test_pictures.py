"""Pictures: bounded before they are unpacked, and worked on one at a time."""

import io
import struct
import threading

import pytest
from PIL import Image

from core import pictures
from core.errors import Unavailable
from core.gate import Gate

ALL = ("JPEG", "PNG", "WEBP", "GIF")


def picture(size, kind="PNG", mode="1", **options):
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()


def gif_with_a_larger_frame():
    """A screen of one pixel, and on it a frame of 81 million."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return screen + b"," + struct.pack("<HHHHB", 0, 0, 9_000, 9_000, 0) + b"\x02\x03\x44\x01\x05\0;"


def webp_with_a_large_canvas(side):
    """An animation of two small frames on a canvas of that side."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    content = bytearray(out.getvalue())
    place = content.index(b"VP8X") + 12
    content[place : place + 6] = struct.pack("<I", side - 1)[:3] * 2
    return bytes(content)


def unpack(content, side=100):
    with pictures.open_picture(io.BytesIO(content), formats=ALL, side=side) as found:
        return found


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "JPEG"])
def test_sixteen_megapixels_are_taken_and_not_a_row_more(kind):
    mode = {"GIF": "P", "PNG": "1"}.get(kind, "RGB")
    assert unpack(picture((4_000, 4_000), kind, mode)).size[0] <= 200
    with pytest.raises(pictures.TooManyPixelsError, match="16 megapixels"):
        unpack(picture((4_000, 4_001), kind, mode))


@pytest.mark.parametrize(
    "content",
    [
        gif_with_a_larger_frame(),
        webp_with_a_large_canvas(9_000),
        webp_with_a_large_canvas(16_000),
        picture((8_000, 5_000)),
        picture((4_001, 4_000), save_all=True, append_images=[Image.new("1", (1, 1))]),
    ],
    ids=["gif-frame", "webp-canvas", "beyond-pillows-own-bound", "png", "apng"],
)
def test_what_is_too_large_is_never_unpacked(content, monkeypatch):
    assert len(content) < 50_000
    monkeypatch.setattr(pictures, "_unpack", None)
    with pytest.raises(pictures.TooManyPixelsError):
        unpack(content)


@pytest.mark.parametrize("kind", ["ICO", "ICNS", "TIFF", "BMP", "PPM"])
def test_other_formats_are_not_even_looked_at(kind):
    with pytest.raises(pictures.UnusablePictureError, match="Upload a valid"):
        unpack(picture((64, 64), kind, "RGB"))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "1", "LA"])
def test_it_comes_back_small(mode):
    found = unpack(picture((1_000, 700), mode=mode), side=150)
    assert found.size == (250, 175)
    assert found.mode == ("RGBA" if mode in {"RGBA", "LA"} else "RGB")


def test_a_turned_picture_is_upright_after_it_was_made_small():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert unpack(picture((1_000, 700), mode="RGB", exif=exif), side=150).size == (175, 250)


def test_one_is_unpacked_at_a_time(settings, monkeypatch):
    settings.HEAVY_WAIT_SECONDS = 0.01
    monkeypatch.setattr(pictures, "_gate", Gate())
    with pictures._gate.passed(), pytest.raises(Unavailable):
        unpack(picture((10, 10)))
    assert unpack(picture((10, 10))).size == (10, 10)


def test_a_gate_lets_the_next_through_when_one_is_done(settings):
    settings.HEAVY_WAIT_SECONDS = 60
    gate, inside, most = Gate(), [], []

    def work():
        with gate.passed():
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20


def test_a_gate_is_left_by_whoever_fails(settings):
    settings.HEAVY_WAIT_SECONDS = 0
    gate = Gate()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), gate.passed():
            raise ZeroDivisionError
