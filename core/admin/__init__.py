"""The admin's own ground: what all tables for staff begin with, and the tables of this floor, which
importing registers."""

from core.admin import trail
from core.admin.base import (
    ReadOnlyAdmin,
    ReadOnlyInline,
    StaffAdmin,
    StaffStackedInline,
    StaffTabularInline,
    is_superuser,
)
from core.admin.choosing import MOST_RESENT
from core.admin.columns import admin_link, money_column, text_lines
from core.admin.confirming import ask, digest_of, is_confirmed
from core.admin.growing import Growing, ValuesByIndexFilter
from core.admin.one_by_one import going_on

__all__ = [
    "MOST_RESENT",
    "Growing",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "StaffAdmin",
    "StaffStackedInline",
    "StaffTabularInline",
    "ValuesByIndexFilter",
    "admin_link",
    "ask",
    "digest_of",
    "going_on",
    "is_confirmed",
    "is_superuser",
    "money_column",
    "text_lines",
    "trail",
]
