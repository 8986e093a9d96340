"""Writes of the catalogue."""

from courses.services.publishing import (
    archive_course,
    delete_course,
    publish_course,
    rename_category,
    settle_edit,
    unpublish_course,
)
from courses.services.recount import (
    StatsDrift,
    recount_categories,
    recount_stats,
    register_counter,
)
from courses.services.search_index import refresh_search, refresh_stale_search
from courses.services.stats import RatingFact, change_rating, change_student_count

__all__ = [
    "RatingFact",
    "StatsDrift",
    "archive_course",
    "change_rating",
    "change_student_count",
    "delete_course",
    "publish_course",
    "recount_categories",
    "recount_stats",
    "refresh_search",
    "refresh_stale_search",
    "register_counter",
    "rename_category",
    "settle_edit",
    "unpublish_course",
]
