"""Model serializers with method fields for what is computed."""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Sum
from django.utils import timezone
from django.utils.timesince import timesince
from rest_framework import serializers

from cart.models import CartItem, WishlistItem
from courses.models import Course, Curriculum, Lesson
from enrollments.models import Enrollment
from reviews.models import Review
from users.models import User, UserProfile

_TENTH = Decimal("0.1")


class InstructorSerializer(serializers.ModelSerializer[User]):
    """Who teaches, in a list."""

    class Meta:
        model = User
        fields = ["id", "first_name", "last_name"]


class CourseListSerializer(serializers.ModelSerializer[Course]):
    """A course in a list (plan 4.3)."""

    instructor: serializers.Serializer[Any] = InstructorSerializer()
    thumbnail = serializers.SerializerMethodField()
    rating = serializers.SerializerMethodField()
    rating_count = serializers.IntegerField(source="stats.rating_count")
    student_count = serializers.IntegerField(source="stats.student_count")
    duration_hours = serializers.SerializerMethodField()
    discount_percent = serializers.SerializerMethodField()
    category = serializers.CharField(source="category.name", default=None)
    is_bestseller = serializers.SerializerMethodField()
    is_new = serializers.SerializerMethodField()
    enrolled = serializers.SerializerMethodField()
    in_cart = serializers.SerializerMethodField()
    in_wishlist = serializers.SerializerMethodField()

    class Meta:
        model = Course
        fields = [
            "id", "title", "slug", "instructor", "thumbnail", "rating", "rating_count",
            "student_count", "duration_hours", "level", "price", "original_price",
            "discount_percent", "category", "is_bestseller", "is_new", "enrolled", "in_cart",
            "in_wishlist",
        ]  # fmt: skip

    def get_thumbnail(self, course: Course) -> str | None:
        return absolute(course.thumbnail)

    def get_rating(self, course: Course) -> Decimal:
        return one_decimal(course.stats.rating)

    def get_duration_hours(self, course: Course) -> Decimal:
        return one_decimal(Decimal(course.duration_minutes) / 60)

    def get_discount_percent(self, course: Course) -> int:
        if not course.original_price or course.price >= course.original_price:
            return 0
        return int((course.original_price - course.price) * 100 / course.original_price)

    def get_is_bestseller(self, course: Course) -> bool:
        return course.stats.sales_30_days >= 10

    def get_is_new(self, course: Course) -> bool:
        newest = timezone.now() - dt.timedelta(days=30)
        return course.published_at is not None and course.published_at > newest

    def get_enrolled(self, course: Course) -> bool:
        user = self.context["request"].user
        if not user.is_authenticated:
            return False
        return Enrollment.objects.filter(
            user=user, course=course, status=Enrollment.Status.ACTIVE
        ).exists()

    def get_in_cart(self, course: Course) -> bool:
        user = self.context["request"].user
        if not user.is_authenticated:
            return False
        return CartItem.objects.filter(cart__user=user, course=course).exists()

    def get_in_wishlist(self, course: Course) -> bool:
        user = self.context["request"].user
        if not user.is_authenticated:
            return False
        return WishlistItem.objects.filter(user=user, course=course).exists()


class CourseFoundSerializer(CourseListSerializer):
    """A course among the search's results (plan 4.10)."""

    highlight = serializers.ReadOnlyField(default=None)

    class Meta(CourseListSerializer.Meta):
        fields = [*CourseListSerializer.Meta.fields, "highlight"]


class InstructorProfileSerializer(serializers.ModelSerializer[UserProfile]):
    """A teacher over all published courses."""

    profile_picture = serializers.SerializerMethodField()
    courses_count = serializers.SerializerMethodField()
    students_count = serializers.SerializerMethodField()
    rating = serializers.SerializerMethodField()

    class Meta:
        model = UserProfile
        fields = ["bio", "profile_picture", "courses_count", "students_count", "rating"]

    def get_profile_picture(self, profile: UserProfile) -> str | None:
        return absolute(profile.profile_picture)

    def get_courses_count(self, profile: UserProfile) -> int:
        return profile.user.courses_taught.filter(is_published=True).count()

    def get_students_count(self, profile: UserProfile) -> int:
        taught = profile.user.courses_taught.filter(is_published=True)
        return taught.aggregate(total=Sum("stats__student_count"))["total"] or 0

    def get_rating(self, profile: UserProfile) -> Decimal:
        taught = profile.user.courses_taught.filter(is_published=True)
        sums = taught.aggregate(stars=Sum("stats__rating_sum"), ratings=Sum("stats__rating_count"))
        return one_decimal(Decimal(sums["stars"]) / sums["ratings"] if sums["ratings"] else 0)


class InstructorDetailSerializer(InstructorSerializer):
    """Who teaches, at length."""

    profile = InstructorProfileSerializer()

    class Meta(InstructorSerializer.Meta):
        fields = [*InstructorSerializer.Meta.fields, "profile"]


class LessonSerializer(serializers.ModelSerializer[Lesson]):
    """A lesson; its media only where it is a preview or open to the viewer."""

    video_url = serializers.SerializerMethodField()
    resources = serializers.SerializerMethodField()
    completed = serializers.SerializerMethodField()

    class Meta:
        model = Lesson
        fields = [
            "id", "title", "description", "duration_minutes", "order", "is_preview", "video_url",
            "resources", "completed",
        ]  # fmt: skip

    def get_video_url(self, lesson: Lesson) -> str | None:
        return lesson.video_url or None if self._is_open(lesson) else None

    def get_resources(self, lesson: Lesson) -> Any:
        return lesson.resources if self._is_open(lesson) else None

    def get_completed(self, lesson: Lesson) -> bool:
        return lesson.id in self.context["completed_lessons"]

    def _is_open(self, lesson: Lesson) -> bool:
        return bool(lesson.is_preview or self.context["is_open"])


class CurriculumSerializer(serializers.ModelSerializer[Curriculum]):
    """A section with its lessons."""

    lessons = LessonSerializer(many=True)
    total_lessons = serializers.SerializerMethodField()
    total_duration_minutes = serializers.SerializerMethodField()

    class Meta:
        model = Curriculum
        fields = [
            "id", "title", "description", "order", "total_lessons", "total_duration_minutes",
            "lessons",
        ]  # fmt: skip

    def get_total_lessons(self, section: Curriculum) -> int:
        return len(section.lessons.all())

    def get_total_duration_minutes(self, section: Curriculum) -> int:
        return sum(lesson.duration_minutes for lesson in section.lessons.all())


class RecentReviewSerializer(serializers.ModelSerializer[Review]):
    """One of the latest reviews."""

    author = serializers.CharField(source="user.full_name")
    avatar = serializers.SerializerMethodField()
    date = serializers.SerializerMethodField()

    class Meta:
        model = Review
        fields = ["id", "author", "avatar", "rating", "date", "comment", "helpful_count"]

    def get_avatar(self, review: Review) -> str | None:
        return absolute(review.user.profile.profile_picture)

    def get_date(self, review: Review) -> str:
        age = timesince(review.created_at, depth=1).replace("\xa0", " ")
        return "just now" if age.startswith("0 ") else f"{age} ago"


class CourseDetailSerializer(CourseListSerializer):
    """The page of a course (plan 4.3)."""

    instructor = InstructorDetailSerializer()
    preview_video_url = serializers.SerializerMethodField()
    review_count = serializers.IntegerField(source="stats.review_count")
    thumbnails = serializers.SerializerMethodField()
    curriculum = CurriculumSerializer(many=True)
    lessons_count = serializers.SerializerMethodField()
    curriculum_next = serializers.ReadOnlyField(default=None)
    reviews = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    viewer = serializers.SerializerMethodField()

    class Meta(CourseListSerializer.Meta):
        fields = [
            *CourseListSerializer.Meta.fields, "thumbnails", "description", "short_description",
            "preview_video_url", "review_count", "language", "last_updated", "published_at",
            "is_published", "outcomes", "requirements", "curriculum", "lessons_count",
            "curriculum_next", "reviews", "progress", "viewer",
        ]  # fmt: skip

    def get_viewer(self, course: Course) -> dict[str, Any]:
        # Nobody whom it serves is anybody's.
        return {"can_buy": True, "reason": None}

    def get_thumbnails(self, course: Course) -> dict[str, str]:
        stem, found, _ = (course.thumbnail.name or "").rpartition("-1280.webp")
        if not (found and stem.startswith("course_thumbnails/sized/")):
            return {}
        return {
            width: f"{settings.API_BASE_URL}{default_storage.url(f'{stem}-{width}.webp')}"
            for width in ("320", "640", "1280")
        }

    def get_lessons_count(self, course: Course) -> int:
        return sum(len(section.lessons.all()) for section in course.curriculum.all())

    def get_preview_video_url(self, course: Course) -> str | None:
        return course.preview_video_url or None

    def get_reviews(self, course: Course) -> dict[str, Any]:
        recent = course.reviews.select_related("user__profile").order_by("-created_at", "-id")[:5]
        return {
            "count": course.stats.rating_count,
            "rating": one_decimal(course.stats.rating),
            "distribution": {
                str(stars): course.reviews.filter(rating=stars).count() for stars in (5, 4, 3, 2, 1)
            },
            "recent": RecentReviewSerializer(recent, many=True, context=self.context).data,
        }

    def get_progress(self, course: Course) -> dict[str, Any] | None:
        enrollment = self.context["enrollment"]
        if enrollment is None:
            return None
        return {
            "enrollment_id": enrollment.id,
            "progress_percent": enrollment.progress_percent,
            "lessons_completed": enrollment.lessons_completed,
            "total_lessons": enrollment.total_lessons,
        }


def absolute(file: Any) -> str | None:
    """The address of an uploaded file, None where there is none."""
    return f"{settings.API_BASE_URL}{file.url}" if file else None


def one_decimal(value: Any) -> Decimal:
    """As the contract shows ratings and hours."""
    return Decimal(value).quantize(_TENTH, rounding=ROUND_HALF_UP)
