"""Bodies and answers of the learning side (plan 4.7)."""

from rest_framework import serializers

from core.serializers import ApiSerializer, NumberField
from courses.authoring_serializers import ShownResourceSerializer


class EnrollmentFilterSerializer(ApiSerializer):
    """Query parameters of the list."""

    status = serializers.ChoiceField(
        choices=["active", "completed"],
        required=False,
        help_text="`completed`: completed at some time; `active`: all others.",
    )


class EnrollmentCourseSerializer(ApiSerializer):
    """The course of an enrolment."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    slug = serializers.CharField()
    thumbnail = serializers.URLField(allow_null=True)
    duration_hours = NumberField(max_digits=8, decimal_places=1)


class EnrollmentSerializer(ApiSerializer):
    """One of a person's courses."""

    id = serializers.UUIDField()
    course = EnrollmentCourseSerializer()
    progress_percent = serializers.IntegerField(help_text="Of the live lessons, rounded down.")
    lessons_completed = serializers.IntegerField()
    total_lessons = serializers.IntegerField()
    enrolled_at = serializers.DateTimeField()
    is_completed = serializers.BooleanField(
        help_text="Stays true when the instructor adds lessons later, while the progress falls."
    )
    completed_at = serializers.DateTimeField(allow_null=True)
    last_activity_at = serializers.DateTimeField(allow_null=True)
    is_suspended = serializers.BooleanField(help_text="Its lessons are closed for the time being.")
    certificate_url = serializers.URLField(
        allow_null=True, help_text="Where to download the certificate, as soon as it is made."
    )


class LearnedInstructorSerializer(ApiSerializer):
    """Who teaches."""

    id = serializers.UUIDField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()


class LearnedLessonSerializer(ApiSerializer):
    """A lesson, and how far the learner is in it."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    duration_minutes = serializers.IntegerField()
    order = serializers.IntegerField()
    is_preview = serializers.BooleanField()
    completed = serializers.BooleanField()
    watch_time_seconds = serializers.IntegerField()
    position_seconds = serializers.IntegerField(help_text="Where to resume.")


class LearnedSectionSerializer(ApiSerializer):
    """A section of the curriculum."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField()
    order = serializers.IntegerField()
    total_lessons = serializers.IntegerField()
    total_duration_minutes = serializers.IntegerField()
    lessons = LearnedLessonSerializer(many=True)


class EnrollmentCourseDetailSerializer(EnrollmentCourseSerializer):
    """The course with its curriculum."""

    instructor = LearnedInstructorSerializer()
    curriculum = LearnedSectionSerializer(many=True)


class EnrollmentDetailSerializer(EnrollmentSerializer):
    """One of a person's courses with every lesson. Media are behind `GET /lessons/{id}/`."""

    course = EnrollmentCourseDetailSerializer()


class EnrolledSerializer(ApiSerializer):
    """A new enrolment."""

    id = serializers.UUIDField()
    course_id = serializers.UUIDField()
    enrolled_at = serializers.DateTimeField()
    progress_percent = serializers.IntegerField()
    is_completed = serializers.BooleanField()


class MarkLessonSerializer(ApiSerializer):
    """Which lesson is completed."""

    lesson_id = serializers.UUIDField()


class LessonMarkSerializer(ApiSerializer):
    """The lesson after the mark."""

    lesson_id = serializers.UUIDField()
    enrollment_id = serializers.UUIDField()
    is_completed = serializers.BooleanField()
    enrollment_progress = serializers.IntegerField(help_text="Whole percent, rounded down.")


class WatchReportSerializer(ApiSerializer):
    """How long a lesson has been watched in all, and where the player stands."""

    watch_time_seconds = serializers.IntegerField(min_value=0)
    position_seconds = serializers.IntegerField(min_value=0)


class WatchedSerializer(LessonMarkSerializer):
    """What was kept of a report."""

    watch_time_seconds = serializers.IntegerField(
        help_text="As counted: never less than before, never more than the clock allows."
    )
    position_seconds = serializers.IntegerField()


class LessonStateSerializer(ApiSerializer):
    """How far the viewer is in the lesson."""

    enrollment_id = serializers.UUIDField()
    completed = serializers.BooleanField()
    watch_time_seconds = serializers.IntegerField()
    position_seconds = serializers.IntegerField()


class LessonSerializer(ApiSerializer):
    """A lesson that is open to the viewer, with its media."""

    id = serializers.UUIDField()
    course_id = serializers.UUIDField()
    section_id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField()
    order = serializers.IntegerField()
    duration_minutes = serializers.IntegerField()
    is_preview = serializers.BooleanField()
    video_url = serializers.URLField(allow_null=True)
    resources = ShownResourceSerializer(many=True)
    progress = LessonStateSerializer(
        allow_null=True, help_text="Null unless the viewer is enrolled."
    )


class CertificateSerializer(ApiSerializer):
    """What anybody may verify of a certificate."""

    serial = serializers.CharField()
    valid = serializers.BooleanField(help_text="False when it was revoked, e.g. after a refund.")
    student_name = serializers.CharField()
    course_id = serializers.UUIDField()
    course_title = serializers.CharField()
    instructor_name = serializers.CharField()
    hours = NumberField(max_digits=8, decimal_places=2)
    issued_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    download_url = serializers.URLField(allow_null=True)
