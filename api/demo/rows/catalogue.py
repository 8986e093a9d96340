"""Writes the demo's categories, courses, sections and lessons."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from django.utils.text import slugify

from api.demo.rows.inserting import BATCH, insert_dated
from api.demo.sources import CourseSource, LessonSource, ShelfSource
from courses.models import Category, Course, Curriculum, Lesson
from users.models import User

VIDEO_HOST = "https://videos.learnflow.test"
FILE_HOST = "https://files.learnflow.test"


@dataclass(slots=True)
class Catalogue:
    """The courses by slug, and the lessons of each in the order of its curriculum."""

    courses: dict[str, Course] = field(default_factory=dict)
    lessons: dict[str, list[Lesson]] = field(default_factory=dict)


def create_catalogue(
    *, shelves: tuple[ShelfSource, ...], instructors: Mapping[str, User],
    thumbnails: Mapping[str, str], now: dt.datetime,
) -> Catalogue:  # fmt: skip
    """Create the whole catalogue; the counters beside it are zero until they are recounted.

    `instructors` are by key, `thumbnails` storage names by slug.
    """
    catalogue = Catalogue()
    categories = [
        Category(
            name=shelf.name,
            slug=shelf.slug,
            icon=shelf.icon,
            description=shelf.description,
            position=shelf.position,
        )
        for shelf in shelves
    ]
    Category.objects.bulk_create(categories)
    for shelf, category in zip(shelves, categories, strict=True):
        best = max(shelf.courses, key=lambda course: course.popularity)
        for source in shelf.courses:
            course = _course(source, category, instructors[source.instructor], now)
            course.thumbnail = thumbnails[source.slug]
            course.is_featured = source is best
            catalogue.courses[source.slug] = course
    _insert_courses(catalogue)
    _insert_curricula(shelves, catalogue)
    return catalogue


def _insert_courses(catalogue: Catalogue) -> None:
    courses = sorted(catalogue.courses.values(), key=lambda course: course.created_at)
    insert_dated(Course, courses, dates=("created_at", "updated_at", "last_updated"))


def _course(source: CourseSource, category: Category, instructor: User, now: dt.datetime) -> Course:
    published = now - dt.timedelta(days=source.age_days)
    random = Random(source.slug)  # noqa: S311 (a date, not a secret)
    changed = published + (now - published) * random.uniform(0.3, 0.98)
    return Course(
        title=source.title,
        slug=source.slug,
        description=source.description,
        short_description=source.short_description,
        category=category,
        instructor=instructor,
        preview_video_url=f"{VIDEO_HOST}/{source.slug}/preview.mp4",
        level=source.level,
        language=source.language,
        duration_minutes=sum(lesson.minutes for lesson in source.lessons),
        price=source.price,
        original_price=source.original_price,
        outcomes=list(source.outcomes),
        requirements=list(source.requirements),
        status=source.status,
        published_at=None if source.status == "draft" else published,
        created_at=published - dt.timedelta(days=random.randint(14, 60)),
        updated_at=changed,
        last_updated=changed,
    )


def _insert_curricula(shelves: tuple[ShelfSource, ...], catalogue: Catalogue) -> None:
    sections: list[Curriculum] = []
    for source in (course for shelf in shelves for course in shelf.courses):
        course = catalogue.courses[source.slug]
        lessons = catalogue.lessons[source.slug] = []
        for number, part in enumerate(source.sections, start=1):
            section = Curriculum(
                course=course,
                title=part.title,
                description=part.description,
                order=number,
                total_lessons=len(part.lessons),
                total_duration_minutes=sum(lesson.minutes for lesson in part.lessons),
            )
            sections.append(section)
            lessons += [
                _lesson(lesson, section, source.slug, order)
                for order, lesson in enumerate(part.lessons, start=1)
            ]
    Curriculum.objects.bulk_create(sections, batch_size=BATCH)
    every_lesson = [lesson for lessons in catalogue.lessons.values() for lesson in lessons]
    Lesson.objects.bulk_create(every_lesson, batch_size=BATCH)


def _lesson(source: LessonSource, section: Curriculum, slug: str, order: int) -> Lesson:
    resources = []
    if source.resource:
        url = f"{FILE_HOST}/{slug}/{slugify(source.resource)}.zip"
        resources.append({"title": source.resource, "url": url})
    return Lesson(
        curriculum=section,
        title=source.title,
        video_url=f"{VIDEO_HOST}/{slug}/{section.order:02}-{order:02}.mp4",
        duration_minutes=source.minutes,
        order=order,
        is_preview=source.is_preview,
        resources=resources,
    )
