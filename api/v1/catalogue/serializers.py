"""Shapes of the catalogue (plan 4.3, 4.10). Rows come ready from the selectors; these declare them
for the schema, and a test holds the two together."""

from rest_framework import serializers

from core.serializers import ApiSerializer, MoneyField, NumberField
from courses.authoring_serializers import ShownResourceSerializer
from courses.models import Course, CourseStats


def _rating() -> NumberField:
    return NumberField(max_digits=2, decimal_places=1, help_text="0 when nobody rated.")


class CategorySerializer(ApiSerializer):
    """A shelf of the catalogue; `course_count` counts its published courses."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.SlugField()
    description = serializers.CharField(allow_blank=True)
    icon = serializers.CharField(help_text="Name of a Lucide icon.")
    course_count = serializers.IntegerField()


class CategoryListSerializer(ApiSerializer):
    """All shelves."""

    results = CategorySerializer(many=True)


class CourseInstructorSerializer(ApiSerializer):
    """Who teaches."""

    id = serializers.UUIDField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()


class CourseRowSerializer(ApiSerializer):
    """A course in a list."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    slug = serializers.SlugField()
    instructor = CourseInstructorSerializer()
    thumbnail = serializers.URLField(allow_null=True)
    rating = _rating()
    rating_count = serializers.IntegerField()
    student_count = serializers.IntegerField()
    duration_hours = NumberField(max_digits=8, decimal_places=1)
    level = serializers.ChoiceField(choices=Course.Level.choices)
    price = MoneyField()
    original_price = MoneyField(allow_null=True)
    discount_percent = serializers.IntegerField()
    category = serializers.CharField(allow_null=True, help_text="The category's name.")
    is_bestseller = serializers.BooleanField(help_text="At least 10 sold in the last 30 days.")
    is_new = serializers.BooleanField(help_text="First published within the last 30 days.")
    enrolled = serializers.BooleanField()
    in_cart = serializers.BooleanField()
    in_wishlist = serializers.BooleanField()


class CategoryFacetSerializer(ApiSerializer):
    """A category, and how many courses it would leave."""

    id = serializers.UUIDField()
    slug = serializers.SlugField()
    name = serializers.CharField()
    count = serializers.IntegerField()


class ValueFacetSerializer(ApiSerializer):
    """A value of a filter, and how many courses it would leave."""

    value = serializers.CharField()
    count = serializers.IntegerField()


class StepFacetSerializer(ApiSerializer):
    """This and more, and how many courses that would leave."""

    min = NumberField(max_digits=10, decimal_places=2)
    count = serializers.IntegerField()


class BandFacetSerializer(StepFacetSerializer):
    """A band, open above where `max` is null, and how many courses it would leave."""

    max = NumberField(max_digits=10, decimal_places=2, allow_null=True)


class FacetsSerializer(ApiSerializer):
    """What each choice of a filter would leave, under all the other filters."""

    category = CategoryFacetSerializer(many=True)
    level = ValueFacetSerializer(many=True)
    language = ValueFacetSerializer(many=True)
    price = BandFacetSerializer(many=True)
    rating = StepFacetSerializer(many=True)
    duration = BandFacetSerializer(many=True, help_text="Hours.")


class CoursePageSerializer(ApiSerializer):
    """A page of the course list."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    total_pages = serializers.IntegerField()
    current_page = serializers.IntegerField()
    results = CourseRowSerializer(many=True)
    facets = FacetsSerializer(required=False, help_text="With `facets=1`.")
    did_you_mean = serializers.CharField(
        required=False, allow_null=True, help_text="With `search`: a spelling that finds more."
    )


class RelatedCourseSerializer(CourseRowSerializer):
    """A course in a list, and what it has to do with another."""

    shared_learners = serializers.IntegerField(
        help_text="Of the other course's latest 200 learners, how many have this one too."
    )
    same_category = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why it is there, for people.")


class RelatedCourseListSerializer(ApiSerializer):
    """Related courses, all at once."""

    results = RelatedCourseSerializer(many=True)


class InstructorProfileSerializer(ApiSerializer):
    """A teacher over all their published courses."""

    bio = serializers.CharField(allow_blank=True)
    profile_picture = serializers.URLField(allow_null=True)
    courses_count = serializers.IntegerField()
    students_count = serializers.IntegerField()
    rating = _rating()


class CourseInstructorDetailSerializer(CourseInstructorSerializer):
    """Who teaches, at length."""

    profile = InstructorProfileSerializer()


class CurriculumLessonSerializer(ApiSerializer):
    """A lesson. Its media are null unless it is a preview or open to the viewer."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    duration_minutes = serializers.IntegerField()
    order = serializers.IntegerField()
    is_preview = serializers.BooleanField()
    video_url = serializers.URLField(allow_null=True)
    resources = ShownResourceSerializer(many=True, allow_null=True)
    completed = serializers.BooleanField()


class CurriculumSectionSerializer(ApiSerializer):
    """A section of the curriculum."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    order = serializers.IntegerField()
    total_lessons = serializers.IntegerField()
    total_duration_minutes = serializers.IntegerField()
    lessons = CurriculumLessonSerializer(many=True)


class CourseLessonSerializer(CurriculumLessonSerializer):
    """A lesson in a page of them."""

    section_id = serializers.UUIDField()


class CourseLessonPageSerializer(ApiSerializer):
    """A page of a course's lessons."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    total_pages = serializers.IntegerField()
    current_page = serializers.IntegerField()
    results = CourseLessonSerializer(many=True)


class RecentReviewSerializer(ApiSerializer):
    """One of the latest reviews."""

    id = serializers.UUIDField()
    author = serializers.CharField()
    avatar = serializers.URLField(allow_null=True)
    rating = serializers.IntegerField()
    date = serializers.CharField(help_text='For people: "2 days ago".')
    comment = serializers.CharField(allow_blank=True)
    helpful_count = serializers.IntegerField()


class DistributionSerializer(ApiSerializer):
    """How many gave how many stars, by "5" to "1"."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {str(stars): serializers.IntegerField() for stars in reversed(CourseStats.STARS)}


class ReviewSummarySerializer(ApiSerializer):
    """What learners think, in numbers and examples."""

    count = serializers.IntegerField()
    rating = _rating()
    distribution = DistributionSerializer()
    recent = RecentReviewSerializer(many=True)


class ViewerProgressSerializer(ApiSerializer):
    """How far the viewer is."""

    enrollment_id = serializers.UUIDField()
    progress_percent = serializers.IntegerField()
    lessons_completed = serializers.IntegerField()
    total_lessons = serializers.IntegerField()


class CourseViewerSerializer(ApiSerializer):
    """Whether the viewer can buy the course, as far as is known of them."""

    can_buy = serializers.BooleanField()
    reason = serializers.ChoiceField(
        choices=[
            "already_enrolled",
            "payment_in_progress",
            "own_course",
            "not_for_sale",
            "access_withdrawn",
        ],
        allow_null=True,
        help_text="Why not. `payment_in_progress`: money for it is on its way; `access_withdrawn`: "
        "it costs nothing, and staff took it away.",
    )


class CourseDetailSerializer(CourseRowSerializer):
    """The page of one course."""

    thumbnails = serializers.DictField(
        child=serializers.URLField(),
        help_text="The thumbnail by width in pixels: 320, 640 and 1280; empty without one.",
    )
    description = serializers.CharField(allow_blank=True)
    short_description = serializers.CharField(allow_blank=True)
    instructor = CourseInstructorDetailSerializer()
    preview_video_url = serializers.URLField(allow_null=True)
    review_count = serializers.IntegerField(help_text="Ratings with a text.")
    language = serializers.CharField()
    last_updated = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True)
    is_published = serializers.BooleanField()
    outcomes = serializers.ListField(child=serializers.CharField())
    requirements = serializers.ListField(child=serializers.CharField())
    curriculum = CurriculumSectionSerializer(many=True)
    lessons_count = serializers.IntegerField(help_text="In all sections together.")
    curriculum_next = serializers.URLField(
        allow_null=True,
        help_text="Null when `curriculum` is whole. Of a very long one it has all sections and the "
        "first lessons; here are the next ones.",
    )
    reviews = ReviewSummarySerializer()
    progress = ViewerProgressSerializer(allow_null=True)
    viewer = CourseViewerSerializer()
