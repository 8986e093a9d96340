"""Course files to try, good and bad."""

import io
import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from core.models import AuditEntry
from courses import portability
from courses.authors import Author
from courses.errors import CourseFileInvalid, CourseFileMalformed
from courses.models import Category, Course, CourseStats, Curriculum, Lesson


def minimal(**changes: Any) -> dict[str, Any]:
    return {"format": "learnflow-course/1", "title": "A course", **changes}


def full_document(category: str) -> dict[str, Any]:
    return {
        "format": "learnflow-course/1",
        "title": "Größe & <b>Maß</b> 🎓",
        "slug": "groesse-und-mass",
        "short_description": "In short.\n",
        "description": "  Spaces stay.\t\r\nSo do lines.\u2028",
        "category": category,
        "level": "advanced",
        "language": "Deutsch",
        "currency": "usd",
        "price": 89.99,
        "original_price": 99999999.99,
        "preview_video_url": "https://videos.example.test/preview.mp4",
        "outcomes": ["Know", "Know"],
        "requirements": [],
        "thumbnail": None,
        "curriculum": [
            {
                "title": "First",
                "description": "",
                "lessons": [
                    {
                        "title": "Welcome",
                        "description": "Hello",
                        "video_url": "",
                        "duration_minutes": 0,
                        "is_preview": True,
                        "resources": [{"title": "Slides", "url": "https://a.test/s.pdf?x=1#p"}],
                    },
                    {
                        "title": "Second",
                        "description": "",
                        "video_url": "https://videos.example.test/2.mp4",
                        "duration_minutes": 1440,
                        "is_preview": False,
                        "resources": [],
                    },
                ],
            },
            {"title": "Empty", "description": "Nothing yet", "lessons": []},
        ],
    }


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def as_zip(document: Any, *files: tuple[str, bytes]) -> bytes:
    return zipped(("course.json", as_json(document)), *files)


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def picture(size: tuple[int, int] = (900, 500), color: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, format="PNG")
    return out.getvalue()


def stored() -> set[str]:
    folder = Path(default_storage.path("course_thumbnails/sized"))
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()


def everything() -> dict[str, Any]:
    """All that an import could leave behind."""
    kinds = (Course, CourseStats, Curriculum, Lesson, Category, AuditEntry)
    rows = {kind.__name__: list(kind.objects.order_by("pk").values()) for kind in kinds}
    return {**rows, "files": stored()}


def faults_of(content: bytes) -> dict[str, Any]:
    """Return what a refusal names; holds that a refused file changes nothing."""
    author = Author(id=uuid.uuid4(), is_instructor=True)
    before = everything()
    with pytest.raises((CourseFileInvalid, CourseFileMalformed)) as refused:
        portability.import_course(author=author, content=content)
    assert everything() == before
    return {**refused.value.details, "kind": type(refused.value)}


def export(author: Author, course_id: uuid.UUID) -> dict[str, Any]:
    file = portability.export_json(author=author, reference=str(course_id))
    document: dict[str, Any] = json.loads(file.content)
    return document


def media_of(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("media/thumbnail.webp")
