"""What a cart and an order need to know of a course."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import F
from django.db.transaction import TransactionManagementError

from courses.errors import CourseNotFound
from courses.models import Course


@dataclass(frozen=True, kw_only=True)
class CourseForSale:
    """A course as a buyer pays for it. `thumbnail` is a storage name, "" for none."""

    id: uuid.UUID
    title: str
    slug: str
    price: Decimal
    original_price: Decimal | None
    instructor_id: uuid.UUID
    category_id: uuid.UUID | None
    thumbnail: str
    is_on_sale: bool


def get_course_for_sale(*, course_id: uuid.UUID) -> CourseForSale:
    """Return the course. Raises CourseNotFound when it is unknown or not published."""
    course = get_courses_for_sale(course_ids=[course_id]).get(course_id)
    if course is None or not course.is_on_sale:
        raise CourseNotFound
    return course


def get_courses_for_sale(*, course_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, CourseForSale]:
    """Return the courses by id. Unknown ones are missing, unpublished ones aren't `is_on_sale`."""
    if not course_ids:
        return {}
    rows = Course.objects.filter(id__in=course_ids).values(
        "id", "title", "slug", "price", "original_price", "instructor_id", "category_id",
        "thumbnail", is_on_sale=F("is_published"),
    )  # fmt: skip
    return {row["id"]: CourseForSale(**row) for row in rows}


def lock_courses_for_sale(*, course_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, CourseForSale]:
    """Return the courses as `get_courses_for_sale`, their prices and status held still until the
    caller's transaction ends.

    The locks are shared (`FOR SHARE`): buyers don't wait for each other, an author's edit waits for
    them. They are taken in key order. Raises TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("lock_courses_for_sale() needs a transaction")
    if course_ids:
        table = connection.ops.quote_name(Course._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT 1 FROM {table} WHERE id = ANY(%s) ORDER BY id FOR SHARE",  # noqa: S608
                [sorted(course_ids)],
            )
    return get_courses_for_sale(course_ids=course_ids)
