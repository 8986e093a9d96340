"""A course as a ZIP: `course.json` and the pictures it names.

Nothing is ever unpacked to a disk. Names, sizes and counts are judged before a byte is inflated,
and no more is inflated than was announced.
"""

import io
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.conf import settings

from courses.portability.faults import Fault, quote, refuse

COURSE_JSON = "course.json"
MAX_MEMBERS = 20

_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
# What zipfile and zlib raise on hostile bytes.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError,
    OverflowError, OSError,
)  # fmt: skip
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
# ZIP keeps no earlier date; a fixed one makes the same course the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Package:
    """The parts of a course file: its JSON, and its other files by their name."""

    course_json: bytes
    media: Mapping[str, bytes]


def is_archive(content: bytes) -> bool:
    """Whether this is meant to be a ZIP, by its first bytes."""
    return content.startswith(_SIGNATURES)


def read_archive(content: bytes) -> Package:
    """Return what is in the ZIP.

    Raises CourseFileMalformed when it can't be read or has no `course.json`, CourseFileInvalid
    naming each member that is encrypted, a link, there twice, outside the archive's folder,
    otherwise packed than stored or deflated, or that makes it too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if faults := list(_judge(infos)):
                refuse(faults)
            files = {info.filename: _read(archive, info) for info in infos if not info.is_dir()}
    except _BROKEN:
        refuse([Fault("$", "Not a readable ZIP file.", malformed=True)])
    if COURSE_JSON not in files:
        refuse([Fault(COURSE_JSON, "Is missing from the ZIP file.", malformed=True)])
    course_json = files.pop(COURSE_JSON)
    return Package(course_json=course_json, media=files)


def write_archive(package: Package) -> bytes:
    """Return the package as a ZIP: the same package, the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        # Pictures are packed already.
        archive.writestr(_member(COURSE_JSON, zipfile.ZIP_DEFLATED), package.course_json)
        for name, content in sorted(package.media.items()):
            archive.writestr(_member(name, zipfile.ZIP_STORED), content)
    return out.getvalue()


def _member(name: str, compression: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=_DATE)
    info.compress_type = compression
    # As made on Unix, readable by all: not what the machine that wrote it happens to be.
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def _judge(infos: list[zipfile.ZipInfo]) -> Iterator[Fault]:
    if len(infos) > MAX_MEMBERS:
        yield Fault("$", f"The ZIP file has {len(infos)} members, at most {MAX_MEMBERS} are taken.")
        return
    seen: set[str] = set()
    for info in infos:
        name = info.orig_filename
        if reason := _find_reason(info):
            yield Fault(quote(name), reason)
        # As file systems see them that fold case and accents.
        folded = unicodedata.normalize("NFC", name).casefold()
        if folded in seen:
            yield Fault(quote(name), "Is in the ZIP file more than once.")
        seen.add(folded)
    limit = 2 * settings.COURSE_FILE_MAX_BYTES
    if sum(info.file_size for info in infos) > limit:
        yield Fault("$", f"Unpacked, the ZIP file is larger than {limit / (1024 * 1024):g} MiB.")


def _find_reason(info: zipfile.ZipInfo) -> str | None:
    name = info.orig_filename
    parts = name.rstrip("/").split("/")
    if "\\" in name or "\x00" in name or ":" in name or {"", ".", ".."} & set(parts):
        return "Is a name that leads out of the archive's folder."
    if info.flag_bits & _ENCRYPTED:
        return "Is encrypted."
    if stat.S_ISLNK(info.external_attr >> 16):
        return "Is a link."
    if info.compress_type not in _COMPRESSIONS:
        return "Is packed in another way than stored or deflated."
    if info.file_size > settings.COURSE_FILE_MAX_BYTES:
        return f"Is larger than {settings.COURSE_FILE_MAX_BYTES / (1024 * 1024):g} MiB unpacked."
    return None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        # One more than announced: a header that lies about the size is found out, not obeyed.
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise zipfile.BadZipFile("a member isn't as large as announced")
    return content
