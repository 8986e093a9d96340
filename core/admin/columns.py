"""Columns that several admins show."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from core.money import money_text


def money_column(
    name: str, *, currency: str = "currency", label: str = ""
) -> Callable[[Any, Any], str]:
    """Return a method of a ModelAdmin that shows the amount of that name with its currency, which
    is found by the path `currency` ("payment__currency"). A list sorts by the amount."""
    path = currency.replace("__", ".")

    @admin.display(description=label or name.removesuffix("_amount"), ordering=name)
    def column(_: Any, row: Any) -> str:
        amount = getattr(row, name)
        if amount is None:
            return "-"
        # In a narrow column it stays on one line.
        return money_text(amount, attrgetter(path)(row)).replace(" ", "\N{NO-BREAK SPACE}")

    return column


def text_lines(lines: Iterable[str]) -> str:
    """Return the lines one below the other as HTML, escaped; a dash where there is none."""
    return format_html_join("", "<div>{}</div>", ((line,) for line in lines if line)) or "-"


def admin_link(row: Any, text: str) -> str:
    """Return a link to the admin's page of a row."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(name, args=[row.pk]), text)
