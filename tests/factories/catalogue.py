"""Categories and courses with a curriculum."""

from decimal import Decimal
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from courses.models import Category, Course, CourseStats, Curriculum, Lesson
from tests.factories.people import InstructorFactory


class CategoryFactory(DjangoModelFactory[Category]):
    class Meta:
        model = Category

    name = factory.Sequence(lambda n: f"Category {n}")
    slug = factory.Sequence(lambda n: f"category-{n}")
    icon = "BookOpen"


class StatsFactory(DjangoModelFactory[CourseStats]):
    """The counters, which the database makes with the course."""

    class Meta:
        model = CourseStats
        django_get_or_create = ("course",)


class CourseFactory(DjangoModelFactory[Course]):
    """A published course with stats and no curriculum; see `make_course` for one with lessons."""

    class Meta:
        model = Course
        skip_postgeneration_save = True

    title = factory.Sequence(lambda n: f"Course {n}")
    slug = factory.Sequence(lambda n: f"course-{n}")
    description = "What the course is about."
    short_description = "In short."
    category = factory.SubFactory(CategoryFactory)
    instructor = factory.SubFactory(InstructorFactory)
    level = "beginner"
    price = Decimal("49.99")
    original_price = Decimal("99.99")
    outcomes = ["Know something"]
    requirements = ["Curiosity"]
    status = "published"
    published_at = factory.LazyFunction(timezone.now)
    stats = factory.RelatedFactory(StatsFactory, factory_related_name="course")


class SectionFactory(DjangoModelFactory[Curriculum]):
    class Meta:
        model = Curriculum

    course = factory.SubFactory(CourseFactory)
    title = factory.Sequence(lambda n: f"Section {n}")
    order = factory.Sequence(lambda n: n + 1)


class LessonFactory(DjangoModelFactory[Lesson]):
    class Meta:
        model = Lesson

    curriculum = factory.SubFactory(SectionFactory)
    title = factory.Sequence(lambda n: f"Lesson {n}")
    video_url = "https://videos.example.test/lesson.mp4"
    duration_minutes = 10
    order = factory.Sequence(lambda n: n + 1)
    resources = [{"title": "Slides", "url": "https://files.example.test/slides.pdf"}]


def make_course(*, sections: int = 2, lessons: int = 2, **fields: Any) -> Course:
    """Return a published course with `sections` times `lessons`; the first lesson is a preview."""
    course = CourseFactory.create(**fields)
    for number in range(1, sections + 1):
        section = SectionFactory.create(
            course=course, order=number, total_lessons=lessons, total_duration_minutes=10 * lessons
        )
        for order in range(1, lessons + 1):
            LessonFactory.create(
                curriculum=section, order=order, is_preview=(number, order) == (1, 1)
            )
    Course.objects.filter(id=course.id).update(duration_minutes=10 * sections * lessons)
    course.refresh_from_db()
    return course
