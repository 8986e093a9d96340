"""Files of lessons: judged by content, kept where only the gate to a lesson's media hands them out.

A lesson's `resources` hold links, `{"title", "url"}`, and files, `{"id", "title", "size_bytes",
"content_type"}`, in one order. A file's address is made when it is read. Copies of a lesson share
its files; what no lesson names any more is deleted at night.
"""

import datetime as dt
import json
import re
import uuid
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.utils import timezone
from django.utils.text import slugify

from core import pictures
from core.gate import Gate
from core.ids import new_id
from core.json_bounds import has_more_values
from core.pruning import while_time_lasts
from core.urls import absolute
from courses.errors import LessonFileInvalid, ResourceNotFound

FOLDER = "lesson_files"
LESSONS = "/api/v1/lessons/"
MAX_RESOURCES = 50
# JSON of more values is judged as the text that it is.
_VALUES_READ = 200_000
# A file may be stored for a moment before its lesson names it.
KEPT_FOR = dt.timedelta(days=1)

_TEXTS = {"txt": "text/plain", "md": "text/markdown", "csv": "text/csv",
          "json": "application/json", "ipynb": "application/x-ipynb+json"}  # fmt: skip
_PICTURES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_ENDINGS = {
    **{content_type: ending for ending, content_type in _TEXTS.items()},
    "application/pdf": "pdf", "application/zip": "zip",
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp",
}  # fmt: skip
_REFUSAL = (
    "Upload a PDF, ZIP, JPEG, PNG or WebP file, or a text in UTF-8 whose name ends in .txt, .md, "
    ".csv, .json or .ipynb."
)
_NAMED = """
    SELECT DISTINCT jsonb_path_query(resources, '$[*].id') #>> '{}' FROM courses_lesson
    WHERE resources @? '$[*].id'
"""

_gate = Gate()

# Control characters that have no place in a text.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")

# A link or a file, as it is stored and, files with their `url`, as it is shown.
Resource = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class OpenedFile:
    """A file to hand out. `name` is what it may be saved as."""

    name: str
    content_type: str
    stream: IO[bytes]


def judge_upload(*, stream: IO[bytes], size: int, name: str) -> str:
    """Return the content type of an upload. It is found in the content; only texts, which look
    alike, are told apart by the name. One upload at a time is looked into.

    Raises LessonFileInvalid when it is empty, larger than LESSON_FILE_MAX_BYTES, or of no type that
    is taken, and Unavailable when too many are waiting.
    """
    limit = settings.LESSON_FILE_MAX_BYTES
    if size > limit:
        raise LessonFileInvalid(f"The file is larger than {limit / (1024 * 1024):g} MiB.")
    if not size:
        raise LessonFileInvalid("The file is empty.")
    with _gate.passed():
        content_type = _find_type(stream, PurePath(name).suffix.lower().lstrip("."))
    if content_type is None:
        raise LessonFileInvalid(_REFUSAL)
    return content_type


def store(*, upload: UploadedFile) -> uuid.UUID:
    """Store the upload's content, piece by piece, under a new id and return it."""
    file_id = new_id()
    upload.seek(0)
    _storage().save(_name(file_id), upload)
    return file_id


def discard(*, file_id: uuid.UUID) -> None:
    """Delete a file that no lesson came to name."""
    _storage().delete(_name(file_id))


def discard_unnamed() -> int:
    """Delete the files that no lesson names and that are older than KEPT_FOR, as many as time
    allows; returns how many."""
    storage = _storage()
    try:
        _, stored = storage.listdir(FOLDER)
    except FileNotFoundError:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_NAMED)
        named = {row[0] for row in cursor.fetchall()}
    old = timezone.now() - KEPT_FOR
    discarded = 0
    for name in while_time_lasts(f"{FOLDER}/{name}" for name in stored if name not in named):
        if storage.get_modified_time(name) < old:
            storage.delete(name)
            discarded += 1
    return discarded


def show_resources(*, lesson_id: uuid.UUID, resources: Iterable[Resource]) -> list[Resource]:
    """Return a lesson's stored resources as they are shown: each file with its address."""
    return [
        {**item, "url": absolute(f"{LESSONS}{lesson_id}/resources/{item['id']}/")}
        if "id" in item
        else item
        for item in resources
    ]


def open_file(*, resources: Iterable[Resource], file_id: uuid.UUID) -> OpenedFile:
    """Return one of a lesson's files. Raises ResourceNotFound when it has no such one, or its
    content is missing. Who may have it was decided before."""
    item = find_file(resources=resources, file_id=file_id)
    try:
        stream: IO[bytes] = _storage().open(_name(file_id))
    except FileNotFoundError:
        raise ResourceNotFound from None
    content_type = str(item["content_type"])
    name = f"{slugify(item['title']) or 'file'}.{_ENDINGS[content_type]}"
    return OpenedFile(name=name, content_type=content_type, stream=stream)


def find_file(*, resources: Iterable[Resource], file_id: uuid.UUID) -> Resource:
    """Return the file among a lesson's resources. Raises ResourceNotFound."""
    for item in resources:
        if item.get("id") == str(file_id):
            return item
    raise ResourceNotFound


def arrange(*, stored: Sequence[Resource], given: Iterable[Resource]) -> list[Resource]:
    """Return the resources an author asks for: links as they are given, and the files that are
    named by `id` with their new titles, in the order given. Files that aren't named stay, at the
    end: taking one away has an address of its own. Raises ResourceNotFound for an unknown `id`."""
    arranged: list[Resource] = []
    for item in given:
        if "id" not in item:
            arranged.append(item)
            continue
        file = find_file(resources=stored, file_id=item["id"])
        if all(other.get("id") != file["id"] for other in arranged):
            arranged.append({**file, "title": item["title"]})
    named = {item.get("id") for item in arranged}
    return [*arranged, *(item for item in stored if "id" in item and item["id"] not in named)]


def _find_type(stream: IO[bytes], ending: str) -> str | None:
    beginning = stream.read(16)
    if beginning.startswith(b"%PDF-"):
        return "application/pdf"
    if beginning.startswith(b"PK"):
        return "application/zip" if zipfile.is_zipfile(stream) else None
    for kind, content_type in _PICTURES.items():
        stream.seek(0)
        if _is_picture(stream, kind):
            return content_type
    if ending not in _TEXTS:
        return None
    stream.seek(0)
    content = stream.read()
    return _TEXTS[ending] if _is_text(content) and _CHECKS.get(ending, _any)(content) else None


def _is_picture(stream: IO[bytes], kind: str) -> bool:
    try:
        with pictures.open_picture(stream, formats=[kind], side=1):
            return True
    except pictures.OverloadedPictureError as exc:
        raise LessonFileInvalid(exc.reason) from None
    except pictures.UnusablePictureError:
        return False


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return not _CONTROLS.search(text)


def _any(content: bytes) -> bool:
    return True


def _is_json(content: bytes, kind: type = object) -> bool:
    # Of very large data nothing is made only to see whether it could be.
    if has_more_values(content, _VALUES_READ):
        return True
    try:
        return isinstance(json.loads(content), kind)
    except (ValueError, RecursionError):
        return False


def _is_notebook(content: bytes) -> bool:
    return content.lstrip()[:1] == b"{" and _is_json(content, dict)


_CHECKS: dict[str, Callable[[bytes], bool]] = {"json": _is_json, "ipynb": _is_notebook}


def _storage() -> Storage:
    return storages["private"]


def _name(file_id: uuid.UUID) -> str:
    return f"{FOLDER}/{file_id}"
