"""What is refused of a ZIP: nothing hostile is unpacked."""

import struct
import zipfile
from typing import Any

import pytest

from courses import portability
from courses.authors import Author
from courses.errors import CourseFileInvalid, CourseFileMalformed
from courses.tests.portability.making import (
    as_json,
    as_zip,
    faults_of,
    full_document,
    minimal,
    picture,
    zipped,
)
from tests.factories import (
    CategoryFactory,
)

pytestmark = pytest.mark.django_db


def linked(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info


def packed(name: str, compression: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = compression
    return info


def announce(content: bytes, size: int) -> bytes:
    """Let the last member's directory entry announce another size."""
    at = content.rindex(b"PK\x01\x02")
    return content[: at + 24] + struct.pack("<I", size) + content[at + 28 :]


def encrypt(content: bytes) -> bytes:
    """Set the flag of encryption in the last member's directory entry."""
    at = content.rindex(b"PK\x01\x02")
    return content[: at + 8] + struct.pack("<H", 1) + content[at + 10 :]


GOOD = ("course.json", as_json(minimal()))


class TestZipFaults:
    @pytest.mark.parametrize(
        "name",
        ["../course.json", "/etc/passwd", "media/../../x", "media\\..\\x", "C:/x", "./x",
         "media//x", "..", "media/./x"],
    )  # fmt: skip
    def test_names_that_lead_elsewhere(self, name: str) -> None:
        faults = faults_of(zipped(GOOD, (name, b"x")))
        assert faults[name] == ["Is a name that leads out of the archive's folder."]

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    @pytest.mark.parametrize("again", ["course.json", "COURSE.JSON"])
    def test_names_there_twice(self, again: str) -> None:
        faults = faults_of(zipped(GOOD, (again, b"{}")))
        assert faults[again] == ["Is in the ZIP file more than once."]

    def test_links(self) -> None:
        content = zipped(GOOD, (linked("media/a.png"), b"/etc/passwd"))
        assert faults_of(content)["media/a.png"] == ["Is a link."]

    @pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_other_compressions(self, compression: int) -> None:
        faults = faults_of(zipped(GOOD, (packed("media/a.png", compression), b"x" * 100)))
        assert faults["media/a.png"] == ["Is packed in another way than stored or deflated."]

    def test_encryption(self) -> None:
        assert faults_of(encrypt(zipped(GOOD)))["course.json"] == ["Is encrypted."]

    def test_bombs(self, settings: Any) -> None:
        settings.COURSE_FILE_MAX_BYTES = 1024 * 1024
        content = zipped(GOOD, ("media/a.png", b"\0" * 2_000_000))
        assert len(content) < 10_000
        assert "larger than 1 MiB" in faults_of(content)["media/a.png"][0]

    def test_bombs_of_many_parts(self, settings: Any) -> None:
        settings.COURSE_FILE_MAX_BYTES = 1024 * 1024
        parts = [(f"media/{number}.png", b"\0" * 1_000_000) for number in range(5)]
        assert "larger than 2 MiB" in faults_of(zipped(GOOD, *parts))["$"][0]

    @pytest.mark.parametrize("size", [10, 5000])
    def test_members_that_lie_about_their_size(self, size: int) -> None:
        content = announce(zipped(GOOD, ("media/a.png", b"\0" * 1000)), size)
        assert faults_of(content)["$"] == ["Not a readable ZIP file."]

    def test_too_many_members(self) -> None:
        parts = [(f"media/{number}.png", b"") for number in range(1000)]
        assert "at most 20" in faults_of(zipped(GOOD, *parts))["$"][0]

    def test_files_that_dont_belong(self) -> None:
        content = as_zip(minimal(), ("media/a.png", picture()), ("readme.txt", b"hello"))
        faults = faults_of(content)
        assert faults["media/a.png"] == faults["readme.txt"] == ["Is not part of the course."]

    def test_no_course(self) -> None:
        assert faults_of(zipped(("other.json", b"{}")))["course.json"]
        assert faults_of(zipped())["course.json"] == ["Is missing from the ZIP file."]

    def test_a_picture_that_isnt_one(self) -> None:
        content = as_zip(minimal(thumbnail="media/a.png"), ("media/a.png", b"<svg/>"))
        faults = faults_of(content)
        assert faults == {
            "$.thumbnail": ["Upload a valid JPEG, PNG or WebP image."], "kind": CourseFileInvalid,
        }  # fmt: skip

    def test_faults_of_picture_and_text_are_named_together(self) -> None:
        content = as_zip(minimal(thumbnail="media/a.png", price=-1), ("media/a.png", b"x"))
        assert {"$.thumbnail", "$.price"} <= set(faults_of(content))

    @pytest.mark.parametrize("cut", [5, 40, -1, -30])
    def test_damaged(self, cut: int) -> None:
        assert faults_of(as_zip(minimal())[:cut])["kind"] is CourseFileMalformed

    def test_flipped_bits(self, author: Author) -> None:
        content = bytearray(as_zip(full_document(CategoryFactory.create().slug)))
        for position in range(0, len(content), 7):
            damaged = bytearray(content)
            damaged[position] ^= 0xFF
            try:
                portability.check_file(content=bytes(damaged))
            except (CourseFileInvalid, CourseFileMalformed):
                continue
