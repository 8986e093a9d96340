"""No address of the admin tells what a column that isn't shown holds: neither by a filter, nor by
an order, a search or a key, in any table of ours."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import flatten_fieldsets, get_fields_from_path
from django.contrib.auth.models import Permission
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse

from api.tests.office import SECRET, furnish
from core.admin import StaffAdmin
from core.admin.base import StaffStackedInline, StaffTabularInline
from core.models import AuditEntry, IdempotencyRecord, OutboxDelivery, OutboxEvent
from enrollments.models import Certificate
from notifications.models import Email
from orders.models import Invoice, Order
from payments.models import StripeEvent
from tests.factories import StaffFactory
from users.models import Session, User

pytestmark = pytest.mark.django_db

OURS = sorted(admin.site._registry.values(), key=lambda one: one.opts.label)
GUESSES = (
    "exact", "iexact", "contains", "icontains", "in", "gt", "gte", "lt", "lte", "startswith",
    "istartswith", "endswith", "iendswith", "range", "isnull", "regex", "iregex", "isempty",
    "year", "has_key", "id__exact", "pk", "0__startswith",
)  # fmt: skip
# What no member of staff reads in the admin, or only drawn as a document is.
SECRET_COLUMNS = {
    (User, "password"), (Session, "refresh_jti"), (Session, "recent_rotations"),
    (Email, "text"), (Email, "html"), (OutboxEvent, "payload"), (StripeEvent, "payload"),
    (Order, "billing_address"), (Invoice, "billing_address"), (AuditEntry, "details"),
    (Certificate, "file"), (IdempotencyRecord, "body"), (IdempotencyRecord, "key"),
}  # fmt: skip


@pytest.fixture
def boss(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/admin/")
    request.user = StaffFactory.create()
    return request


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(StaffFactory.create())
    return client


def columns_within_reach(model: type[Model], hops: int = 2) -> Iterator[str]:
    """Name every column that an address could walk to, backwards as well."""
    for field in model._meta.get_fields(include_hidden=True):
        name = field.name
        if isinstance(field, Field) and not field.is_relation:
            yield name
            continue
        if name.endswith("+"):
            continue
        yield name
        if isinstance(field, Field):
            yield f"{name}_id"
        if hops and field.related_model:
            yield from (
                f"{name}__{end}" for end in columns_within_reach(field.related_model, hops - 1)
            )


def declared(model_admin: Any) -> set[str]:
    """The columns that the list filters by for all to see."""
    items = [item[0] if isinstance(item, tuple) else item for item in model_admin.list_filter]
    named = {one.removesuffix("__id__exact") for one in model_admin.allowed_lookups}
    return {item for item in items if isinstance(item, str)} | {model_admin.date_hierarchy} | named


def test_every_table_and_every_inline_begins_with_our_base() -> None:
    for model_admin in OURS:
        assert isinstance(model_admin, StaffAdmin), model_admin
        for inline in {*model_admin.inlines, *_inlines_of(model_admin)}:
            assert issubclass(inline, StaffTabularInline | StaffStackedInline), inline


def _inlines_of(model_admin: Any) -> list[Any]:
    request = HttpRequest()
    request.user = User(is_superuser=True, is_active=True, is_staff=True)
    return list(model_admin.get_inlines(request, model_admin.model()))


@pytest.mark.parametrize("model_admin", OURS, ids=lambda one: one.opts.label)
def test_addresses_filter_by_what_the_list_declares_and_nothing_else(
    model_admin: Any, boss: HttpRequest
) -> None:
    open_columns = declared(model_admin)
    tried = 0
    for path in set(columns_within_reach(model_admin.model)):
        for guess in ("", *GUESSES):
            lookup = f"{path}__{guess}" if guess else path
            tried += 1
            if not model_admin.lookup_allowed(lookup, "x", boss):
                continue
            assert path in open_columns or lookup.removesuffix("__id__exact") in open_columns, (
                lookup
            )
            assert guess in {
                "", "exact", "isnull", "isempty", "year", "gte", "lt", "id__exact",
            }, lookup  # fmt: skip
    assert tried > 100


@pytest.mark.parametrize("model_admin", OURS, ids=lambda one: one.opts.label)
def test_an_undeclared_lookup_is_a_bad_request(model_admin: Any, staff: Client) -> None:
    address = reverse(
        f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist"
    )
    key = model_admin.opts.pk.name
    column = next(f.name for f in model_admin.opts.fields if f.name not in declared(model_admin))
    for query in (
        {f"{column}__regex": "^a"}, {f"{key}__startswith": "0"}, {f"{key}__gt": "0"},
        {"_to_field": column, "_popup": "1"} if column != key else {"_to_field": "no_such"},
        {f"{column}__regex": "^a", "e": "1"}, {f"{column}__regex": "^a", "_facets": "True"},
        {"no_such_column": "1"},
    ):  # fmt: skip
        assert staff.get(address, query).status_code == 400, query


ATTACKS = (
    "notifications/email/?text__regex=sesame", "notifications/email/?html__contains=sesame",
    "notifications/email/?user__password__startswith=a", "users/user/?password__startswith=a",
    "users/user/?sessions__refresh_jti__gt=0", "users/session/?refresh_jti__startswith=0",
    "users/session/?recent_rotations__icontains=sesame", "orders/order/?billing_address__city=x",
    "orders/invoice/?billing_address__icontains=x", "payments/stripeevent/?payload__regex=x",
    "core/outboxdelivery/?event__payload__icontains=sesame",
    "core/auditentry/?details__icontains=x", "auth/group/?user__password__regex=x",
    "payments/refund/?payment__order__user__password__startswith=a",
)  # fmt: skip


def test_attacks_that_worked(staff: Client) -> None:
    assert {query: staff.get(f"/admin/{query}").status_code for query in ATTACKS} == dict.fromkeys(
        ATTACKS, 400
    )


@pytest.mark.parametrize("model_admin", OURS, ids=lambda one: one.opts.label)
def test_lists_filter_search_and_sort_by_no_secret(model_admin: Any, boss: HttpRequest) -> None:
    paths = [item[0] if isinstance(item, tuple) else item for item in model_admin.list_filter]
    paths = [path for path in paths if isinstance(path, str)]
    paths += [path for path in (model_admin.date_hierarchy,) if path]
    paths += [path.lstrip("=^@") for path in model_admin.get_search_fields(boss)]
    paths += [str(getattr(one, "expression", one)) for one in model_admin.get_ordering(boss)]
    for name in model_admin.list_display:
        column = getattr(model_admin, name, None)
        paths.append(str(getattr(column, "admin_order_field", None) or name))
    paths += [lookup.removesuffix("__id__exact") for lookup in model_admin.allowed_lookups]
    for path in paths:
        try:
            fields = get_fields_from_path(
                model_admin.model, path.lstrip("-").removeprefix("F(").rstrip(")")
            )
        except FieldDoesNotExist:
            # Computed for the list, by what it shows.
            continue
        last = fields[-1]
        assert (last.model, last.name) not in SECRET_COLUMNS, path


def test_a_filter_class_of_ours_reads_only_its_own_words(boss: HttpRequest) -> None:
    """A parameter of a filter class selects among the values it offers."""
    for model_admin in OURS:
        for item in model_admin.list_filter:
            if isinstance(item, type) and issubclass(item, SimpleListFilter):
                query = {item.parameter_name: ["' or 1=1"]}
                params: Any = dict(query)
                made = item(boss, params, model_admin.model, model_admin)
                rows = model_admin.get_queryset(boss)
                assert str((made.queryset(boss, rows) or rows).query) == str(rows.query)


@pytest.mark.parametrize("model_admin", OURS, ids=lambda one: one.opts.label)
def test_pages_show_no_secret_column(model_admin: Any, boss: HttpRequest) -> None:
    shown = {*flatten_fieldsets(model_admin.get_fieldsets(boss, model_admin.model()))}
    shown |= set(model_admin.list_display)
    # Masked by its widget, and shown to those with the right to see the trail.
    shown -= {"password"} if model_admin.model is User else set()
    shown -= {"details"} if model_admin.model is AuditEntry else set()
    secret = {name for model, name in SECRET_COLUMNS if model is model_admin.model}
    assert not shown & secret


def test_no_page_holds_a_secret(staff: Client) -> None:
    rows = furnish()
    clerk = StaffFactory.create(is_superuser=False)
    looking = Client()
    looking.force_login(clerk)
    clerk.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    secrets = [SECRET, rows[User].password, rows[User].password.split("$")[-1]]
    secrets += [str(rows[Session].refresh_jti)]
    for model_admin in OURS:
        name = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}"
        key = rows[model_admin.model].pk
        for address in (
            reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[key]),
            reverse(f"{name}_history", args=[key]),
        ):  # fmt: skip
            for client in (staff, looking):
                page = client.get(address, follow=True)
                assert page.status_code == 200, address
                for secret in secrets:
                    assert secret not in page.content.decode(), address


def test_a_search_reaches_no_secret(staff: Client) -> None:
    rows = furnish()
    for model_admin in OURS:
        if not model_admin.search_fields:
            continue
        name = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist"
        for needle in (SECRET, rows[User].password, str(rows[Session].refresh_jti)):
            found = staff.get(reverse(name), {"q": needle}).context["cl"].result_count
            assert found == 0, (name, needle)


def test_choosing_by_name_asks_for_the_right_to_see(client: Client) -> None:
    furnish()
    client.force_login(StaffFactory.create(is_superuser=False))
    for app, model, field in (
        ("enrollments", "enrollment", "user"), ("courses", "course", "category"),
        ("users", "session", "user"), ("payments", "revenueshare", "course"),
        ("core", "outboxdelivery", "event"),
    ):  # fmt: skip
        query = {"app_label": app, "model_name": model, "field_name": field, "term": ""}
        assert client.get("/admin/autocomplete/", query).status_code == 403


def test_what_the_trail_of_deliveries_shows_is_no_payload(staff: Client) -> None:
    delivery = furnish()[OutboxDelivery]
    page = staff.get(reverse("admin:core_outboxdelivery_change", args=[delivery.pk]))
    assert "users.registered" in page.content.decode()
