"""Reads the demo's files: `catalogue/*.json` (a shelf each), `people.json` and `student.json`."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).resolve().parent

CourseStatus = Literal["draft", "published", "archived"]


@dataclass(frozen=True, slots=True)
class LessonSource:
    """A lesson; `resource` is the title of a file that comes with it."""

    title: str
    minutes: int
    is_preview: bool
    resource: str | None


@dataclass(frozen=True, slots=True)
class SectionSource:
    """A section of a course, with its lessons in order."""

    title: str
    description: str
    lessons: tuple[LessonSource, ...]


@dataclass(frozen=True, slots=True)
class ReviewSource:
    """What somebody wrote about a course; who and when is decided by the story."""

    rating: int
    title: str
    comment: str


@dataclass(frozen=True, slots=True)
class CourseSource:
    """A course. `popularity` (0 to 100) is the share of the demo's learners it attracts."""

    slug: str
    title: str
    instructor: str
    level: str
    language: str
    price: Decimal
    original_price: Decimal | None
    status: CourseStatus
    age_days: int
    popularity: int
    short_description: str
    description: str
    outcomes: tuple[str, ...]
    requirements: tuple[str, ...]
    sections: tuple[SectionSource, ...]
    reviews: tuple[ReviewSource, ...]

    @property
    def lessons(self) -> tuple[LessonSource, ...]:
        """All lessons, in the order of the curriculum."""
        return tuple(lesson for section in self.sections for lesson in section.lessons)


@dataclass(frozen=True, slots=True)
class ShelfSource:
    """A category and its courses."""

    position: int
    name: str
    slug: str
    icon: str
    description: str
    courses: tuple[CourseSource, ...]


@dataclass(frozen=True, slots=True)
class PersonSource:
    """A person. `key` is how the catalogue names an instructor; it is empty for learners."""

    key: str
    email: str
    first_name: str
    last_name: str
    country: str
    timezone: str
    bio: str

    @property
    def full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class PeopleSource:
    """Everybody in the demo. The first instructor is the one with a demo login."""

    instructors: tuple[PersonSource, ...]
    student: PersonSource
    staff: PersonSource
    learners: tuple[PersonSource, ...]

    @property
    def everybody(self) -> tuple[PersonSource, ...]:
        """All people, each once."""
        return (*self.instructors, self.student, self.staff, *self.learners)


@dataclass(frozen=True, slots=True)
class StudentOrder:
    """An order of the demo student, so many days before the day of loading."""

    days_ago: float
    courses: tuple[str, ...]
    outcome: Literal["completed", "refunded", "failed", "pending"]
    coupon: str | None


@dataclass(frozen=True, slots=True)
class StudentCourse:
    """A course of the demo student: `lessons` done (None for all), the last so many days ago."""

    course: str
    enrolled_days_ago: float
    lessons: int | None
    last_days_ago: float
    daily: bool
    review: ReviewSource | None


@dataclass(frozen=True, slots=True)
class StudentSource:
    """What the demo student did, so that every page of theirs has something to show."""

    billing_address: dict[str, str]
    orders: tuple[StudentOrder, ...]
    courses: tuple[StudentCourse, ...]
    cart: tuple[str, ...]
    wishlist: tuple[str, ...]


def read_shelves() -> tuple[ShelfSource, ...]:
    """Return the catalogue's shelves in their order. Raises KeyError when a field is missing."""
    files = sorted((FOLDER / "catalogue").glob("*.json"))
    shelves = [_shelf(json.loads(file.read_text(encoding="utf-8"))) for file in files]
    return tuple(sorted(shelves, key=lambda shelf: shelf.position))


def read_people() -> PeopleSource:
    """Return everybody in the demo."""
    data = json.loads((FOLDER / "people.json").read_text(encoding="utf-8"))
    return PeopleSource(
        instructors=tuple(_person(person) for person in data["instructors"]),
        student=_person(data["demo_student"]),
        staff=_person(data["staff"]),
        learners=tuple(_person(person) for person in data["students"]),
    )


def read_student() -> StudentSource:
    """Return what the demo student did."""
    data = json.loads((FOLDER / "student.json").read_text(encoding="utf-8"))
    return StudentSource(
        billing_address=data["billing_address"],
        orders=tuple(
            StudentOrder(
                days_ago=order["days_ago"],
                courses=tuple(order["courses"]),
                outcome=order["outcome"],
                coupon=order.get("coupon"),
            )
            for order in data["orders"]
        ),
        courses=tuple(_student_course(course) for course in data["courses"]),
        cart=tuple(data["cart"]),
        wishlist=tuple(data["wishlist"]),
    )


def _shelf(data: dict[str, Any]) -> ShelfSource:
    category = data["category"]
    return ShelfSource(
        position=data["position"],
        name=category["name"],
        slug=category["slug"],
        icon=category["icon"],
        description=category["description"],
        courses=tuple(_course(course) for course in data["courses"]),
    )


def _course(data: dict[str, Any]) -> CourseSource:
    original = data["original_price"]
    return CourseSource(
        slug=data["slug"],
        title=data["title"],
        instructor=data["instructor"],
        level=data["level"],
        language=data["language"],
        price=Decimal(data["price"]),
        original_price=None if original is None else Decimal(original),
        status=data["status"],
        age_days=data["age_days"],
        popularity=data["popularity"],
        short_description=data["short_description"],
        description="\n\n".join(data["description"]),
        outcomes=tuple(data["outcomes"]),
        requirements=tuple(data["requirements"]),
        sections=tuple(_section(section) for section in data["curriculum"]),
        reviews=tuple(_review(review) for review in data["reviews"]),
    )


def _section(data: dict[str, Any]) -> SectionSource:
    lessons = tuple(
        LessonSource(
            title=lesson["title"],
            minutes=lesson["minutes"],
            is_preview=lesson.get("preview", False),
            resource=lesson.get("resource"),
        )
        for lesson in data["lessons"]
    )
    return SectionSource(title=data["title"], description=data["description"], lessons=lessons)


def _review(data: dict[str, Any]) -> ReviewSource:
    return ReviewSource(rating=data["rating"], title=data["title"], comment=data["comment"])


def _person(data: dict[str, Any]) -> PersonSource:
    return PersonSource(
        key=data.get("key", ""),
        email=data["email"],
        first_name=data["first_name"],
        last_name=data["last_name"],
        country=data["country"],
        timezone=data["timezone"],
        bio=data.get("bio", ""),
    )


def _student_course(data: dict[str, Any]) -> StudentCourse:
    review = data.get("review")
    return StudentCourse(
        course=data["course"],
        enrolled_days_ago=data["enrolled_days_ago"],
        lessons=data["lessons"],
        last_days_ago=data["last_days_ago"],
        daily=data.get("daily", False),
        review=None if review is None else _review(review),
    )
