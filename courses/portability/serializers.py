"""The shapes of thumbnails and course files, for the schema's readers."""

from rest_framework import serializers

from core.serializers import ApiSerializer, MoneyField
from courses.models import Course
from courses.portability.document import FORMAT


class ThumbnailUploadSerializer(ApiSerializer):
    """A picture as form data."""

    thumbnail = serializers.FileField(
        help_text="JPEG, PNG or WebP, judged by its content.", allow_empty_file=True
    )


class ThumbnailSerializer(ApiSerializer):
    """A course's picture in all its sizes."""

    thumbnail = serializers.URLField(help_text="The widest, at most 1280 pixels.")
    thumbnails = serializers.DictField(
        child=serializers.URLField(), help_text="By width in pixels: 320, 640 and 1280."
    )


class CourseFileUploadSerializer(ApiSerializer):
    """A course file as form data."""

    file = serializers.FileField(
        help_text="JSON or ZIP, told by its content.", allow_empty_file=True
    )


class ResourceDocumentSerializer(ApiSerializer):
    """Material of a lesson."""

    title = serializers.CharField(max_length=200)
    url = serializers.URLField(max_length=500)


class LessonDocumentSerializer(ApiSerializer):
    """A lesson in a course file."""

    title = serializers.CharField(max_length=255)
    description = serializers.CharField(required=False)
    video_url = serializers.CharField(required=False, max_length=500)
    duration_minutes = serializers.IntegerField(required=False, min_value=0, max_value=1440)
    is_preview = serializers.BooleanField(required=False)
    resources = ResourceDocumentSerializer(many=True, required=False)


class SectionDocumentSerializer(ApiSerializer):
    """A section in a course file."""

    title = serializers.CharField(max_length=255)
    description = serializers.CharField(required=False)
    lessons = LessonDocumentSerializer(many=True, required=False)


class CourseDocumentSerializer(ApiSerializer):
    """A whole course in a file. The JSON Schema beside the code is what judges one."""

    format = serializers.ChoiceField(choices=[FORMAT])
    title = serializers.CharField(max_length=255)
    slug = serializers.SlugField(required=False, max_length=255)
    short_description = serializers.CharField(required=False, max_length=500)
    description = serializers.CharField(required=False)
    category = serializers.CharField(required=False, allow_null=True, help_text="Its slug.")
    level = serializers.ChoiceField(required=False, choices=Course.Level.choices)
    language = serializers.CharField(required=False, max_length=50)
    currency = serializers.CharField(required=False, max_length=3)
    price = MoneyField(required=False, allow_null=True)
    original_price = MoneyField(required=False, allow_null=True)
    preview_video_url = serializers.CharField(required=False, max_length=500)
    outcomes = serializers.ListField(required=False, child=serializers.CharField())
    requirements = serializers.ListField(required=False, child=serializers.CharField())
    thumbnail = serializers.CharField(
        required=False, allow_null=True, help_text="Name of a file in the ZIP."
    )
    curriculum = SectionDocumentSerializer(many=True, required=False)


class ImportedCourseSerializer(ApiSerializer):
    """The draft that an import made."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    slug = serializers.CharField(help_text="The file's, or with a number when that was taken.")
    status = serializers.CharField(help_text="`draft`.")
    thumbnail = serializers.URLField(allow_null=True)
    sections_count = serializers.IntegerField()
    lessons_count = serializers.IntegerField()
