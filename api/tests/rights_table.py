"""What each right opens: in the admin, page by page and action by action, and over the API. The
matrix tries it; docs/rights.md shows it."""

from dataclasses import dataclass
from itertools import product
from typing import Any

from django.contrib import admin

from users.rights import Right

# One of these sets of permissions is needed; with none in it, nobody but a superuser, or nobody.
Ways = list[frozenset[str]]

NOBODY: Ways = []

# Pages beyond those that every table has, by the name of their address.
MORE_PAGES = {
    "orders.invoice": {"pdf": ("get", "view")},
    "orders.creditnote": {"pdf": ("get", "view")},
    "users.user": {"password": ("get", "change")},
}
# What asks for more, or other, than the verb's own permission.
EXCEPTIONS: dict[tuple[str, str], Ways] = {
    # Its sections go with it.
    ("courses.course", "delete"): [
        frozenset({"courses.delete_course", "courses.delete_curriculum"})
    ],
    # Django's own rule: who may add people but not change them could make accounts blindly.
    ("users.user", "add"): [frozenset({"users.add_user", "users.change_user"})],
}
# Who may do them, beside looking at the list: a permission each.
ACTIONS = {
    "core.outboxdelivery": {"resend": "core.change_outboxdelivery"},
    "courses.category": {"delete_selected": "courses.delete_category"},
    "courses.course": {
        "approve": "courses.change_course", "reject": "courses.change_course",
        "publish": "courses.change_course", "unpublish": "courses.change_course",
        "archive": "courses.change_course", "delete_selected": "courses.delete_course",
    },
    "courses.searchcount": {"delete_selected": "courses.delete_searchcount"},
    "enrollments.certificate": {
        "rerender": "enrollments.change_certificate", "revoke": "enrollments.change_certificate",
    },
    "enrollments.enrollment": {
        "suspend": "enrollments.change_enrollment", "resume": "enrollments.change_enrollment",
        "revoke": "enrollments.change_enrollment",
    },
    "notifications.email": {"resend": "notifications.change_email"},
    "orders.coupon": {
        "deactivate": "orders.change_coupon", "delete_selected": "orders.delete_coupon",
    },
    "orders.order": {"close_pending": "orders.change_order"},
    "payments.payment": {
        "refund_whole": "payments.add_refund", "refund_lines": "payments.add_refund",
        "clear_attention": "payments.add_refund",
    },
    "payments.refundrequest": {
        "approve": "payments.add_refund", "refuse": "payments.add_refund",
    },
    "payments.revenueshare": {"delete_selected": "payments.delete_revenueshare"},
    "payments.stripeevent": {"resend": "payments.change_stripeevent"},
    "reviews.review": {"delete_selected": "reviews.delete_review"},
    "users.session": {"end": "users.change_user"},
    "users.user": {
        "end_sessions": "users.change_user", "deactivate": "users.change_user",
        "activate": "users.change_user",
    },
}  # fmt: skip
# Tables whose rows staff may add, change or delete by a form. All others are only looked at.
WRITTEN = {
    "courses.category": {"add", "change", "delete"},
    "courses.course": {"add", "change", "delete"},
    "courses.curriculum": {"add", "change", "delete"},
    "courses.searchcount": {"delete"},
    "enrollments.enrollment": {"add", "change"},
    "orders.coupon": {"add", "change", "delete"},
    "payments.revenueshare": {"add", "change", "delete"},
    "reviews.review": {"delete"},
    "users.user": {"add", "change"},
}
# Written by superusers alone, whatever permission somebody has.
BY_SUPERUSERS = {"auth.group"}

_SECTION = "/api/v1/courses/{reference}/curriculum/{section_id}/"
_LESSON = f"{_SECTION}lessons/{{lesson_id}}/"
OPERATIONS: dict[tuple[str, str], Right] = {
    ("post", "/api/v1/courses/"): Right.ADD_COURSES,
    ("post", "/api/v1/courses/import/"): Right.ADD_WHOLE_COURSES,
    ("patch", "/api/v1/courses/{reference}/"): Right.CHANGE_COURSES,
    ("delete", "/api/v1/courses/{reference}/"): Right.REMOVE_COURSES,
    ("post", "/api/v1/courses/{reference}/publish/"): Right.CHANGE_COURSES,
    ("post", "/api/v1/courses/{reference}/unpublish/"): Right.CHANGE_COURSES,
    ("post", "/api/v1/courses/{reference}/duplicate/"): Right.ADD_WHOLE_COURSES,
    ("get", "/api/v1/courses/{reference}/export/"): Right.EXPORT_COURSES,
    ("post", "/api/v1/courses/{reference}/thumbnail/"): Right.CHANGE_COURSES,
    ("put", "/api/v1/courses/{reference}/thumbnail/"): Right.CHANGE_COURSES,
    ("delete", "/api/v1/courses/{reference}/thumbnail/"): Right.CHANGE_COURSES,
    ("post", "/api/v1/courses/{reference}/curriculum/"): Right.ADD_SECTIONS,
    ("post", "/api/v1/courses/{reference}/curriculum/reorder/"): Right.CHANGE_SECTIONS,
    ("patch", _SECTION): Right.CHANGE_SECTIONS,
    ("delete", _SECTION): Right.REMOVE_SECTIONS,
    ("post", f"{_SECTION}lessons/"): Right.ADD_LESSONS,
    ("post", f"{_SECTION}lessons/reorder/"): Right.CHANGE_LESSONS,
    ("patch", _LESSON): Right.CHANGE_LESSONS,
    ("delete", _LESSON): Right.REMOVE_LESSONS,
    ("post", f"{_LESSON}resources/"): Right.CHANGE_LESSONS,
    ("delete", f"{_LESSON}resources/{{file_id}}/"): Right.CHANGE_LESSONS,
    ("get", "/api/v1/orders/{order_id}/"): Right.SEE_ORDERS,
    ("get", "/api/v1/orders/{order_id}/receipt/"): Right.SEE_RECEIPTS,
    ("get", "/api/v1/orders/{order_id}/credit-notes/"): Right.SEE_CREDIT_NOTES,
    ("get", "/api/v1/orders/{order_id}/credit-notes/{number}/"): Right.SEE_CREDIT_NOTES,
    ("get", "/api/v1/orders/{order_id}/refunds/"): Right.SEE_REFUNDS,
    ("post", "/api/v1/orders/{order_id}/refunds/"): Right.REFUND,
    ("get", "/api/v1/orders/{order_id}/refund-request/"): Right.SEE_REFUND_REQUESTS,
    ("get", "/api/v1/refund-requests/"): Right.SEE_REFUND_REQUESTS,
    ("post", "/api/v1/refund-requests/{request_id}/approve/"): Right.REFUND,
    ("post", "/api/v1/refund-requests/{request_id}/refuse/"): Right.REFUND,
}
# Open to any staff (contract): reading drafts and opening lessons.
BY_FLAG = {
    ("get", "/api/v1/courses/{reference}/"),
    ("get", "/api/v1/courses/related/{reference}/"),
    ("get", "/api/v1/courses/{reference}/reviews/"),
    ("get", "/api/v1/instructor/courses/"),
    ("get", "/api/v1/instructor/courses/{reference}/"),
    ("get", "/api/v1/courses/{reference}/curriculum/"),
    ("get", f"{_SECTION}lessons/"),
    ("get", "/api/v1/lessons/{lesson_id}/"),
    ("get", "/api/v1/lessons/{lesson_id}/resources/{file_id}/"),
}


@dataclass(frozen=True, kw_only=True)
class Door:
    """A page or an action of a table, and what opens it."""

    table: str
    name: str
    ways: Ways
    is_action: bool = False


def admin_doors() -> list[Door]:
    """Every page and every action of every table."""
    doors = []
    for model_admin in sorted(admin.site._registry.values(), key=lambda one: one.opts.label):
        table = model_admin.opts.label_lower
        looking = _ways(table, "view") + _ways(table, "change")
        doors += [
            Door(table=table, name=name, ways=looking) for name in ("changelist", "row", "history")
        ]
        for verb in ("add", "change", "delete"):
            ways = EXCEPTIONS.get((table, verb), _ways(table, verb))
            is_open = verb in WRITTEN.get(table, set())
            doors.append(Door(table=table, name=verb, ways=ways if is_open else NOBODY))
        for name, (_, verb) in MORE_PAGES.get(table, {}).items():
            ways = looking if verb == "view" else _ways(table, verb)
            doors.append(Door(table=table, name=name, ways=ways))
        for name, right in ACTIONS.get(table, {}).items():
            ways = _smallest([way | {right} for way in looking])
            doors.append(Door(table=table, name=name, ways=ways, is_action=True))
    return doors


def ways_to_lack(ways: Ways) -> list[frozenset[str]]:
    """Return the smallest sets of permissions without which none of the ways is left."""
    if not ways:
        return [frozenset()]
    return _smallest([frozenset(choice) for choice in product(*ways)])


def _ways(table: str, verb: str) -> Ways:
    app, model = table.split(".")
    return [frozenset({f"{app}.{verb}_{model}"})]


def _smallest(sets: list[frozenset[str]]) -> list[frozenset[str]]:
    unique = set(sets)
    return [one for one in unique if not any(other < one for other in unique)]


def render_tables() -> str:
    """Return the tables of docs/rights.md."""
    lines = ["## Over the API", "", "| What it takes | What it opens |", "|---|---|"]
    by_right: dict[Right, list[str]] = {}
    for (method, path), right in OPERATIONS.items():
        by_right.setdefault(right, []).append(f"`{method.upper()} {path.removeprefix('/api/v1')}`")
    for right in Right:
        lines.append(f"| {_list(right.value)} | {', '.join(by_right[right])} |")
    lines += [
        "",
        "## In the admin",
        "",
        "| Table | Form: add, change, delete | Actions |",
        "|---|---|---|",
    ]
    for model_admin in sorted(admin.site._registry.values(), key=lambda one: one.opts.label):
        table = model_admin.opts.label_lower
        verbs = ", ".join(v for v in ("add", "change", "delete") if v in WRITTEN.get(table, ()))
        actions = [f"{name} (`{right}`)" for name, right in ACTIONS.get(table, {}).items()]
        forms = "superusers only" if table in BY_SUPERUSERS else verbs or "none"
        lines.append(f"| `{table}` | {forms} | {', '.join(actions) or 'none'} |")
    return "\n".join(lines) + "\n"


def _list(permissions: Any) -> str:
    return ", ".join(f"`{permission}`" for permission in permissions)
