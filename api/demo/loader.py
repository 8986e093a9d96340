"""Loads the demo into an empty installation: all of it, or nothing."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction

from api.demo.permission import insist_on_nobodys_data, insist_on_settings, is_loaded
from api.demo.pictures import provide_avatars, provide_thumbnails
from api.demo.rows.banking import pay_bank
from api.demo.rows.catalogue import Catalogue, create_catalogue
from api.demo.rows.certificates import create_certificates
from api.demo.rows.counters import write_counters
from api.demo.rows.learning import create_enrollments
from api.demo.rows.opinions import create_reviews
from api.demo.rows.people import create_people
from api.demo.rows.sales import Shop, create_orders
from api.demo.rows.searches import create_searches
from api.demo.rows.shopping import fill_cart_and_wishlist
from api.demo.sources import (
    PeopleSource,
    ShelfSource,
    StudentSource,
    read_people,
    read_shelves,
    read_student,
)
from api.demo.story import Story, tell_story
from courses import services as course_services
from payments import ledger
from users.models import User

# PostgreSQL's advisory locks are numbers; this one means "somebody is loading the demo".
LOADING = 20_260_101


@dataclass(frozen=True, slots=True)
class LoadedDemo:
    """How much was loaded."""

    people: int
    courses: int
    lessons: int
    enrollments: int
    reviews: int
    orders: int


@dataclass(frozen=True, slots=True)
class _Sources:
    shelves: tuple[ShelfSource, ...]
    people: PeopleSource
    student: StudentSource
    thumbnails: dict[str, str]
    avatars: dict[str, str]


def load_demo(*, now: dt.datetime) -> LoadedDemo | None:
    """Load the demo as of `now` (aware) and return what was loaded, or None if it was there.

    Raises DemoRefusedError where it must not be loaded (`api.demo.permission`). The database is
    written in one transaction, so that a load cut short leaves it empty; two loads at once make
    one. Pictures are stored before it and are found again by the next try. No events are recorded
    and no mails are written.
    """
    insist_on_settings()
    people, shelves = read_people(), read_shelves()
    if is_loaded(people=people, shelves=shelves):
        return None
    insist_on_nobodys_data()
    sources = _Sources(
        shelves=shelves,
        people=people,
        student=read_student(),
        thumbnails=provide_thumbnails(shelves=shelves, people=people),
        avatars=provide_avatars(people=people),
    )
    with transaction.atomic():
        with connection.cursor() as cursor:
            # However long the other takes on a busy machine: a request's patience is not ours.
            cursor.execute("SET LOCAL lock_timeout = 0")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOADING])
        # Again, as somebody else may have held the lock and be done.
        if is_loaded(people=people, shelves=shelves):
            return None
        insist_on_nobodys_data()
        return _write(sources, now)


def _write(sources: _Sources, now: dt.datetime) -> LoadedDemo:
    story = tell_story(
        shelves=sources.shelves, people=sources.people, student=sources.student, now=now
    )
    users = create_people(people=sources.people, joined=story.joined, pictures=sources.avatars)
    catalogue = create_catalogue(
        shelves=sources.shelves,
        instructors={person.key: users[person.email] for person in sources.people.instructors},
        thumbnails=sources.thumbnails,
        now=now,
    )
    loaded = _write_story(sources, story, users, catalogue, now)
    ledger.post_missing(everything=True)
    pay_bank(now=now)
    course_ids = [course.id for course in catalogue.courses.values()]
    write_counters(course_ids=course_ids, now=now)
    course_services.refresh_search(course_ids=course_ids)
    create_searches(now=now)
    return loaded


def _write_story(
    sources: _Sources, story: Story, users: dict[str, User], catalogue: Catalogue, now: dt.datetime
) -> LoadedDemo:
    people, student = sources.people, sources.student
    enrollments = create_enrollments(
        attendances=story.attendances, users=users, catalogue=catalogue
    )
    create_certificates(
        enrollments=enrollments.values(), first=users[people.student.email], now=now
    )
    reviews = create_reviews(attendances=story.attendances, users=users, courses=catalogue.courses)
    shop = Shop(
        users=users,
        courses=catalogue.courses,
        enrollments=enrollments,
        staff=users[people.staff.email],
        student=users[people.student.email],
        billing_address=student.billing_address,
    )
    orders = create_orders(purchases=story.purchases, shop=shop)
    fill_cart_and_wishlist(student=student, user=shop.student, courses=catalogue.courses, now=now)
    return LoadedDemo(
        people=len(users),
        courses=len(catalogue.courses),
        lessons=sum(len(lessons) for lessons in catalogue.lessons.values()),
        enrollments=len(enrollments),
        reviews=reviews,
        orders=orders,
    )
