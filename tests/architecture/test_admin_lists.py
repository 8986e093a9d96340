"""The admin's lists of money cost the same whatever has gathered: each way in has an index."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.db import connection
from django.db.models import Field, Index, Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.admin import Growing, ValuesByIndexFilter
from core.admin.growing import leading_columns
from enrollments.models import Certificate, Enrollment
from notifications.models import Email
from orders.models import Coupon
from payments.models import (
    BankPayoutFailure,
    PayoutAccount,
    ReconciliationDifference,
    ReconciliationRun,
    RevenueShare,
)
from tests.factories import StaffFactory

# What doesn't grow with what is sold: made by staff, one of an instructor or of a day.
SMALL = {
    Coupon, RevenueShare, PayoutAccount, BankPayoutFailure, ReconciliationRun,
    ReconciliationDifference,
}  # fmt: skip
# Filters that are no column: each names the index it is served by.
BY_INDEX = {
    "AttentionFilter": "payment_attention",
    "RefundTroubleFilter": "refund_due",
    "UndecidedFilter": "dispute_open",
    "PayoutTroubleFilter": "payout_trouble",
    "FailureFilter": "order_failed",
}
ADMINS = [
    model_admin
    for model, model_admin in admin.site._registry.items()
    if (model._meta.app_label in {"orders", "payments"} and model not in SMALL)
    or model in {Enrollment, Certificate, Email}
]
each = pytest.mark.parametrize("model_admin", ADMINS, ids=lambda one: one.model.__name__)


def list_indexes(model: type[Model]) -> list[Index]:
    return list(model._meta.indexes)


def is_found(model: type[Model], field: Field[Any, Any]) -> bool:
    """Whether an index begins with the field, or one of part of the rows is of what is rare."""
    return field.name in leading_columns(model) or any(
        field.name == one.fields[0].lstrip("-") or f"'{field.name}" in str(one.condition)
        for one in list_indexes(model)
    )


@each
def test_it_is_a_list_that_grows(model_admin: Any) -> None:
    assert isinstance(model_admin, Growing)
    assert not model_admin.show_full_result_count


@each
def test_its_order_and_its_dates_have_an_index(model_admin: Any) -> None:
    ordering = model_admin.ordering or model_admin.model._meta.ordering
    names = {name.lstrip("-") for name in ordering[:1]} | {model_admin.date_hierarchy} - {None}
    assert names <= leading_columns(model_admin.model)


@each
def test_its_filters_have_an_index(model_admin: Any) -> None:
    names = {one.name for one in list_indexes(model_admin.model)}
    for item in model_admin.list_filter:
        if isinstance(item, type):
            assert BY_INDEX[item.__name__] in names
            continue
        path, kind = item if isinstance(item, tuple) else (item, None)
        assert "__" not in path, "a filter by a column of another table"
        field = model_admin.model._meta.get_field(path)
        assert is_found(model_admin.model, field), path
        needs_values = not (field.choices or field.get_internal_type() != "CharField")
        assert needs_values == (kind is ValuesByIndexFilter), path


@each
def test_what_it_is_searched_by_has_an_index(model_admin: Any) -> None:
    for path in model_admin.search_fields:
        field: Any = get_fields_from_path(model_admin.model, path)[-1]
        assert is_found(field.model, field), path


@each
@pytest.mark.parametrize("query", [{}, {"q": "abc"}], ids=str)
def test_its_pages_count_and_look_at_no_more_than_they_show(
    db: None, model_admin: Any, query: dict[str, str]
) -> None:
    staff = Client()
    staff.force_login(StaffFactory.create(is_superuser=True))
    opts = model_admin.opts
    address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    staff.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert staff.get(address, query).status_code == 200
    for sql in (one["sql"] for one in captured):
        if f'"{opts.db_table}"' in sql:
            # Rows are read without a limit where it is known that they fill no page.
            costly = ("COUNT(", "DISTINCT", "MIN(", "MAX(", "DATE_TRUNC")
            assert "LIMIT" in sql or not any(word in sql for word in costly), sql
