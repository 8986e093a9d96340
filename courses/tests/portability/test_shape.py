"""The schema file, the documents, the API's description and the authoring limits agree."""

import json
from dataclasses import fields
from typing import Any

import pytest

from courses import authoring_serializers as authoring
from courses import lesson_files
from courses.models import Course
from courses.portability import serializers
from courses.portability.checks import SCHEMA_FILE
from courses.portability.document import CourseDocument, LessonDocument, SectionDocument
from courses.services.authoring.lessons import MAX_LESSONS
from courses.services.authoring.sections import MAX_SECTIONS
from tests.factories import (
    LessonFactory,
)

pytestmark = pytest.mark.django_db


class TestShape:
    """The schema file, the documents, the API's description and the authoring limits agree."""

    @pytest.fixture
    def schema(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(SCHEMA_FILE.read_bytes())
        return loaded

    def test_names(self, schema: dict[str, Any]) -> None:
        kinds = [
            (schema, CourseDocument, serializers.CourseDocumentSerializer),
            (schema["$defs"]["section"], SectionDocument, serializers.SectionDocumentSerializer),
            (schema["$defs"]["lesson"], LessonDocument, serializers.LessonDocumentSerializer),
        ]
        for part, document, serializer in kinds:
            names = {field.name for field in fields(document)}
            assert set(part["properties"]) - {"format"} == names
            assert set(serializer().fields) - {"format"} == names

    def test_limits_are_those_of_authoring(self, schema: dict[str, Any]) -> None:
        defs, lesson = schema["$defs"], schema["$defs"]["lesson"]["properties"]
        assert defs["text"]["maxLength"] == authoring.MAX_DESCRIPTION
        assert defs["points"]["maxItems"] == authoring.MAX_POINTS
        assert lesson["duration_minutes"]["maximum"] == authoring.MAX_MINUTES
        assert lesson["resources"]["maxItems"] == lesson_files.MAX_RESOURCES
        assert schema["properties"]["curriculum"]["maxItems"] == MAX_SECTIONS
        assert defs["section"]["properties"]["lessons"]["maxItems"] == MAX_LESSONS
        assert schema["properties"]["level"]["enum"] == Course.Level.values
        for name in ("title", "slug", "short_description", "language", "preview_video_url"):
            rule = schema["properties"][name]
            rule = defs[rule["$ref"].rpartition("/")[2]] if "$ref" in rule else rule
            column: Any = Course._meta.get_field(name)
            assert rule["maxLength"] == column.max_length

    def test_every_lesson_column_travels(self) -> None:
        lesson = LessonFactory.create()
        own = {"id", "created_at", "updated_at", "curriculum", "order", "removed_at"}
        columns = {field.name for field in lesson._meta.concrete_fields} - own
        assert {field.name for field in fields(LessonDocument)} == columns
