"""The dates above a list of a table that only grows."""

from typing import Any

from django import template
from django.contrib.admin.templatetags.admin_list import date_hierarchy
from django.contrib.admin.views.main import ChangeList

from core.admin.periods import Periods

register = template.Library()


class _WithPeriods:
    """A change list whose rows are asked for their dates only."""

    def __init__(self, changelist: ChangeList) -> None:
        self._changelist = changelist
        self.queryset = Periods(
            changelist.model, field=changelist.date_hierarchy, params=changelist.params
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._changelist, name)


@register.inclusion_tag("admin/date_hierarchy.html")
def growing_dates(changelist: ChangeList) -> Any:
    """Django's own row of dates, of which some may lead to an empty list."""
    with_periods: Any = _WithPeriods(changelist)
    return date_hierarchy(with_periods)
