"""Writes the counters beside the courses, from the facts as their owners count them."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection

from django.db.models import Count

from api.demo.rows.inserting import BATCH
from courses.models import CourseStats
from courses.services import recount_categories
from enrollments.selectors import count_students
from orders.models import OrderItem
from reviews.selectors import count_ratings

SALES_PERIOD = dt.timedelta(days=30)


def write_counters(*, course_ids: Collection[uuid.UUID], now: dt.datetime) -> None:
    """Set the counters of these courses, and of all categories.

    The nightly recount would do the same, and report each of them as a drift.
    """
    facts: dict[uuid.UUID, dict[str, int]] = defaultdict(dict)
    for counted in (count_students(course_ids), count_ratings(course_ids), _count_sales(now)):
        for course_id, values in counted.items():
            facts[course_id].update(values)
    rows = list(CourseStats.objects.filter(course_id__in=course_ids))
    for row in rows:
        for name, value in facts[row.course_id].items():
            setattr(row, name, value)
    names = sorted({name for values in facts.values() for name in values})
    CourseStats.objects.bulk_update(rows, names, batch_size=BATCH)
    recount_categories()


def _count_sales(now: dt.datetime) -> dict[uuid.UUID, dict[str, int]]:
    lines = (
        OrderItem.objects.filter(
            state=OrderItem.State.FULFILLED, order__completed_at__gt=now - SALES_PERIOD
        )
        .order_by()
        .values("course_id")
        .annotate(sales=Count("id"))
    )
    return {line["course_id"]: {"sales_30_days": line["sales"]} for line in lines}
