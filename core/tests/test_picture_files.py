"""What a picture's file holds beside it: left out unread, and refused when it is absurd."""

import io
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from core import picture_files, pictures
from core.picture_files import MAX_PARTS, MAX_TEXT_BYTES, MalformedError, strip

TURNED = Image.Exif()
TURNED[0x0112] = 6
SECRET = b"where it was taken"


def picture(kind="PNG", **options):
    out = io.BytesIO()
    Image.linear_gradient("L").resize((60, 40)).save(out, kind, **options)
    return out.getvalue()


def texts(*, packed, size=1_000):
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a" * size, zip=packed)
    info.add_itxt("Title", "ü" * 20, zip=packed)
    return picture(pnginfo=info)


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def unpack(content, kind):
    with pictures.open_picture(io.BytesIO(content), formats=[kind], side=100) as found:
        return found


@pytest.mark.parametrize("packed", [True, False])
def test_some_text_is_taken(packed):
    assert unpack(texts(packed=packed, size=100_000), "PNG").size == (60, 40)


@pytest.mark.parametrize("packed", [True, False])
def test_an_absurd_amount_of_text_is_refused_in_words(packed):
    content = texts(packed=packed, size=MAX_TEXT_BYTES + 1)
    with pytest.raises(pictures.OverloadedPictureError, match="too much text: at most 1 MiB"):
        unpack(content, "PNG")


@pytest.mark.parametrize("place", [33, -12], ids=["before", "after"])
@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_many_texts_count_together(kind, place):
    packed = zlib.compress(b"a" * 100_000)
    text = chunk(kind, (b"a\0\0" if kind == b"zTXt" else b"a\0\1\0de\0\0") + packed)
    plain = picture()
    content = plain[:place] + text * 11 + plain[place:]
    assert len(content) < 10_000
    with pytest.raises(pictures.OverloadedPictureError):
        unpack(content, "PNG")


def test_a_damaged_text_is_no_fault_of_the_picture():
    plain = picture()
    assert unpack(plain[:33] + chunk(b"zTXt", b"a\0\0nothing") + plain[33:], "PNG").size == (60, 40)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {"icc_profile": SECRET * 9}),
        ("JPEG", {"icc_profile": SECRET, "comment": SECRET, "xmp": SECRET}),
        ("WEBP", {"icc_profile": SECRET, "xmp": SECRET}),
        ("GIF", {"comment": SECRET}),
    ],
)
def test_the_picture_is_the_same_without_what_stood_beside_it(kind, options):
    content = picture(kind, **options)
    bare = strip(content, kind)
    assert len(bare) < len(content) - len(SECRET) // 2
    assert SECRET not in bare
    with Image.open(io.BytesIO(content)) as before, Image.open(io.BytesIO(bare)) as after:
        assert before.convert("RGBA").tobytes() == after.convert("RGBA").tobytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_it_still_says_which_side_is_up(kind):
    content = picture(kind, exif=TURNED, icc_profile=SECRET)
    seen = []
    with pictures.open_picture(
        io.BytesIO(content), formats=[kind], side=100, check=lambda *size: seen.append(size)
    ) as found:
        assert found.size == (40, 60)
    assert seen == [(40, 60)]


def test_a_png_may_say_so_at_its_end():
    content = picture()
    turned = content[:-12] + chunk(b"eXIf", TURNED.tobytes()[6:]) + content[-12:]
    assert unpack(turned, "PNG").size == (40, 60)


@pytest.mark.parametrize(
    ("kind", "part", "place"),
    [
        ("PNG", chunk(b"none"), 33),
        ("JPEG", b"\xff\xfe\0\2", 2),
        ("WEBP", b"none\0\0\0\0", 12),
        ("GIF", b"!\xfe\0", -1),
    ],
)
def test_a_file_in_endless_parts_is_given_up(kind, part, place):
    content = picture(kind)
    if kind == "GIF":
        place = 13 + 3 * 2 ** (content[10] % 8 + 1)
    broken = content[:place] + part * (MAX_PARTS + 1) + content[place:]
    if kind == "WEBP":
        broken = broken[:4] + struct.pack("<I", len(broken) - 8) + broken[8:]
    with pytest.raises(MalformedError):
        strip(broken, kind)
    with pytest.raises(pictures.UnusablePictureError, match="Upload a valid"):
        unpack(broken, kind)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_half_a_file_is_refused_wherever_it_ends(kind):
    content = picture(kind, **({} if kind == "GIF" else {"exif": TURNED}))
    assert picture_files.find_format(content[:16]) == kind
    for end in range(0, len(content) // 2, 7):
        with pytest.raises(pictures.UnusablePictureError):
            unpack(content[:end], kind)
