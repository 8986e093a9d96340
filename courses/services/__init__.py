"""Writes of the catalogue."""

from courses.charging import register_taxes
from courses.services.changed import mark_changed, settle_edit, touch_catalogue
from courses.services.listing import sync_listing
from courses.services.publishing import (
    approve_course,
    archive_course,
    delete_course,
    hold_course_of_section,
    hold_shelf,
    publish_course,
    reject_course,
    rename_category,
    submit_course,
    unpublish_course,
)
from courses.services.recount import (
    StatsDrift,
    recount_categories,
    recount_stats,
    register_counter,
)
from courses.services.search_index import (
    add_up_searches,
    record_search,
    refresh_search,
    refresh_stale_search,
)
from courses.services.stats import RatingFact, change_rating, change_student_counts

__all__ = [
    "RatingFact",
    "StatsDrift",
    "add_up_searches",
    "approve_course",
    "archive_course",
    "change_rating",
    "change_student_counts",
    "delete_course",
    "hold_course_of_section",
    "hold_shelf",
    "mark_changed",
    "publish_course",
    "record_search",
    "recount_categories",
    "recount_stats",
    "refresh_search",
    "refresh_stale_search",
    "register_counter",
    "register_taxes",
    "reject_course",
    "rename_category",
    "settle_edit",
    "submit_course",
    "sync_listing",
    "touch_catalogue",
    "unpublish_course",
]
