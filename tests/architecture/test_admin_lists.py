"""The admin's lists cost the same whatever has gathered: each way in has an index."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.auth.models import Group
from django.contrib.postgres.indexes import OpClass
from django.db import connection
from django.db.models import Field, Index, Model
from django.db.models.functions import Upper
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.admin import Growing, ValuesByIndexFilter
from core.admin.growing import has_term, leading_columns
from core.models import JobRun
from courses.models import Category, Course, Curriculum, SearchCount
from orders.models import Coupon
from payments.models import (
    BankPayoutFailure,
    PayoutAccount,
    ReconciliationDifference,
    ReconciliationRun,
    RevenueShare,
)
from tests.factories import StaffFactory
from users.models import User

# What doesn't grow with people or with what is sold. Whatever else is registered, now or later, is
# held to what follows.
SMALL = {
    # Written by staff and instructors.
    Group, Category, Course, Curriculum, Coupon, RevenueShare,
    # One of an instructor.
    PayoutAccount, BankPayoutFailure,
    # So many a day; the jobs' and the searches' days are forgotten after a while.
    ReconciliationRun, ReconciliationDifference, JobRun, SearchCount,
}  # fmt: skip
# Filters that are no column: each names the index it is served by.
BY_INDEX = {
    "AttentionFilter": "payment_attention",
    "RefundTroubleFilter": "refund_due",
    "UndecidedFilter": "dispute_open",
    "PayoutTroubleFilter": "payout_trouble",
    "FailureFilter": "order_failed",
    "GaveUpFilter": "outbox_dead",
}
# Columns whose values are known without a look at the rows.
KNOWN_VALUES = {"BooleanField", "DateField", "DateTimeField"}
ADMINS = [model_admin for model, model_admin in admin.site._registry.items() if model not in SMALL]
each = pytest.mark.parametrize("model_admin", ADMINS, ids=lambda one: one.model.__name__)


def list_indexes(model: type[Model]) -> list[Index]:
    return list(model._meta.indexes)


def is_found(model: type[Model], field: Field[Any, Any]) -> bool:
    """Whether an index begins with the field, or one of part of the rows is of what is rare."""
    return field.name in leading_columns(model) or any(
        field.name == one.fields[0].lstrip("-") or f"'{field.name}" in str(one.condition)
        for one in list_indexes(model)
    )


def finds_beginnings(model: type[Model], field: Field[Any, Any]) -> bool:
    """Whether an index has the field in upper case, for patterns."""
    wanted = str(OpClass(Upper(field.name), "varchar_pattern_ops"))
    return any(
        len(one.expressions) == 1 and str(one.expressions[0]) == wanted and not one.condition
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
        needs_values = not field.choices and field.get_internal_type() not in KNOWN_VALUES
        assert needs_values == (kind is ValuesByIndexFilter), path


@each
def test_what_it_is_searched_by_has_an_index(model_admin: Any) -> None:
    for path in model_admin.search_fields:
        field: Any = get_fields_from_path(model_admin.model, path.lstrip("=^"))[-1]
        has_index = finds_beginnings if path.startswith("^") else is_found
        assert has_index(field.model, field), path


@each
@pytest.mark.parametrize("query", [{}, {"q": "abc"}, {"_facets": "True"}], ids=str)
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


@pytest.mark.parametrize(
    ("path", "index"), [("^last_name", "user_last_name"), ("^first_name", "user_first_name")]
)
def test_a_beginning_is_looked_up_in_its_index(db: None, path: str, index: str) -> None:
    with connection.cursor() as cursor:
        # Of few rows another index, gone through from end to end, costs no more.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
    plan = User.objects.filter(has_term(User, path, "lovel")).explain()
    assert index in plan
    assert "Index Cond" in plan
