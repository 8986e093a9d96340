"""Reads of carts and wishlists."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypedDict

from django.conf import settings
from django.db.models import QuerySet

from cart.errors import CartItemNotFound, WishlistItemNotFound
from cart.models import Cart, CartItem, WishlistItem
from core.money import ZERO
from core.urls import media_url
from courses import selectors as course_selectors
from courses.selectors import CourseForSale
from enrollments import selectors as enrollment_selectors
from enrollments.buying import list_courses_in_progress


class Obstacle(StrEnum):
    """Why a course in a cart can't be bought by this person."""

    NOT_FOR_SALE = "NOT_FOR_SALE"
    ALREADY_ENROLLED = "ALREADY_ENROLLED"
    OWN_COURSE = "OWN_COURSE"
    # Staff took it away, and it costs nothing: what nobody pays for isn't theirs to take again.
    ACCESS_WITHDRAWN = "ACCESS_WITHDRAWN"
    # Money for it is on its way: the orders know, and say so where they show the cart.
    PAYMENT_IN_PROGRESS = "PAYMENT_IN_PROGRESS"


class ItemRow(TypedDict):
    """A line as it is stored."""

    id: uuid.UUID
    course_id: uuid.UUID
    added_at: dt.datetime


class CourseInCart(TypedDict):
    """A course as cart and wishlist show it, at today's price. `thumbnail` is absolute."""

    id: uuid.UUID
    title: str
    slug: str
    price: Decimal
    original_price: Decimal | None
    thumbnail: str | None


class LineRow(TypedDict):
    """A line of a cart or a wishlist. `unavailable_reason` is an `Obstacle`, or None."""

    id: uuid.UUID
    course: CourseInCart
    added_at: dt.datetime
    available: bool
    unavailable_reason: str | None


@dataclass(frozen=True, kw_only=True)
class OpenCart:
    """A person's cart without its lines. `coupon_code` is in upper case, "" without one."""

    id: uuid.UUID
    coupon_code: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """What lies in a cart: as it is shown, and the courses among it that can be bought."""

    page: "CartRow"
    buyable: list[CourseForSale]


class CartRow(TypedDict):
    """A cart (plan 4.4). The totals are of its available lines; `total_items` counts all."""

    id: uuid.UUID
    items: list[LineRow]
    total_items: int
    total_price: Decimal
    total_original_price: Decimal
    total_discount: Decimal
    currency: str


def in_cart_ids(*, user_id: uuid.UUID, course_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of `course_ids` that lie in the person's cart. One query."""
    rows = CartItem.objects.filter(cart__user_id=user_id, course_id__in=course_ids)
    return set(rows.values_list("course_id", flat=True))


def in_wishlist_ids(*, user_id: uuid.UUID, course_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of `course_ids` that are on the person's wishlist. One query."""
    rows = WishlistItem.objects.filter(user_id=user_id, course_id__in=course_ids)
    return set(rows.values_list("course_id", flat=True))


def lock_cart(*, user_id: uuid.UUID) -> OpenCart | None:
    """Return the person's cart, if there is one, locked until the caller's transaction ends:
    whoever changes it, orders from it or pays such an order does so one after the other. It is
    taken before any order's lock."""
    carts = Cart.objects.select_for_update(no_key=True).filter(user_id=user_id)
    row = carts.values("id", "coupon_code").first()
    return OpenCart(**row) if row else None


def lock_carts(*, user_ids: Collection[uuid.UUID]) -> None:
    """Lock the carts of these people as `lock_cart` does each, in key order, by one statement."""
    carts = Cart.objects.select_for_update(no_key=True).filter(user_id__in=user_ids)
    list(carts.order_by("id").values_list("id"))


def list_course_ids(*, user_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the courses in the person's cart, in the order they were added."""
    rows = CartItem.objects.filter(cart__user_id=user_id).order_by("added_at", "id")
    return list(rows.values_list("course_id", flat=True))


def find_obstacles(
    *,
    user_id: uuid.UUID,
    course_ids: Collection[uuid.UUID],
    courses: Mapping[uuid.UUID, CourseForSale],
    in_progress: Collection[uuid.UUID] = (),
) -> dict[uuid.UUID, Obstacle]:
    """Return what keeps the person from buying each of `course_ids`; buyable ones are missing.

    `courses` are the courses as the caller read (or locked) them; one not among them is not for
    sale. `in_progress` are courses for which the person's money is on its way. What somebody owns
    already comes first, then what they are paying for, and both before what is no longer sold. One
    query, and another where some of them are free.
    """
    owned = enrollment_selectors.owned_course_ids(user_id=user_id, course_ids=course_ids)
    obstacles: dict[uuid.UUID, Obstacle] = {}
    for course_id in course_ids:
        course = courses.get(course_id)
        if course_id in owned:
            obstacles[course_id] = Obstacle.ALREADY_ENROLLED
        elif course_id in in_progress:
            obstacles[course_id] = Obstacle.PAYMENT_IN_PROGRESS
        elif course is None or not course.is_on_sale:
            obstacles[course_id] = Obstacle.NOT_FOR_SALE
        elif course.instructor_id == user_id:
            obstacles[course_id] = Obstacle.OWN_COURSE
    if free := [one for one in course_ids if one not in obstacles and not courses[one].price]:
        withdrawn = enrollment_selectors.withdrawn_course_ids(user_id=user_id, course_ids=free)
        obstacles |= dict.fromkeys(withdrawn, Obstacle.ACCESS_WITHDRAWN)
    return obstacles


def get_content(
    *, cart_id: uuid.UUID, user_id: uuid.UUID, in_progress: Collection[uuid.UUID] = ()
) -> Content:
    """Return the person's cart with its lines, oldest first, without its coupon, which is the
    orders' to judge; `in_progress` are courses for which money is on its way. Three queries."""
    items = CartItem.objects.filter(cart_id=cart_id).order_by("added_at", "id")
    rows = list(items.values("id", "course_id", "added_at"))
    courses = course_selectors.get_courses_for_sale(course_ids=[row["course_id"] for row in rows])
    lines = _to_lines(user_id=user_id, rows=rows, courses=courses, in_progress=in_progress)
    buyable = [courses[line["course"]["id"]] for line in lines if line["available"]]
    price = sum((course.price for course in buyable), start=ZERO)
    original = sum((course.original_price or course.price for course in buyable), start=ZERO)
    page: CartRow = {
        "id": cart_id,
        "items": lines,
        "total_items": len(lines),
        "total_price": price,
        "total_original_price": original,
        "total_discount": original - price,
        "currency": settings.CURRENCY,
    }
    return Content(page=page, buyable=buyable)


def get_cart_item(*, item_id: uuid.UUID, user_id: uuid.UUID) -> LineRow:
    """Return one line of the person's cart. Raises CartItemNotFound."""
    items = CartItem.objects.filter(id=item_id, cart__user_id=user_id)
    lines = show_lines(user_id=user_id, rows=items.values("id", "course_id", "added_at"))
    if not lines:
        raise CartItemNotFound
    return lines[0]


def get_wishlist_item(*, item_id: uuid.UUID, user_id: uuid.UUID) -> LineRow:
    """Return one line of the person's wishlist. Raises WishlistItemNotFound."""
    items = WishlistItem.objects.filter(id=item_id, user_id=user_id)
    lines = show_lines(user_id=user_id, rows=items.values("id", "course_id", "added_at"))
    if not lines:
        raise WishlistItemNotFound
    return lines[0]


def list_wishlist(*, user_id: uuid.UUID) -> QuerySet[WishlistItem, Any]:
    """Return the person's wishlist, newest first, to be paged and given to `show_lines`."""
    items = WishlistItem.objects.filter(user_id=user_id).order_by("-added_at", "-id")
    return items.values("id", "course_id", "added_at")


def show_lines(*, user_id: uuid.UUID, rows: Iterable[ItemRow]) -> list[LineRow]:
    """Return stored lines as a buyer sees them, in their order. Three queries beside theirs."""
    rows = list(rows)
    courses = course_selectors.get_courses_for_sale(course_ids=[row["course_id"] for row in rows])
    paid_for = {course.course_id for course in list_courses_in_progress(user_id=user_id)}
    return _to_lines(user_id=user_id, rows=rows, courses=courses, in_progress=paid_for)


def _to_lines(
    *,
    user_id: uuid.UUID,
    rows: list[ItemRow],
    courses: Mapping[uuid.UUID, CourseForSale],
    in_progress: Collection[uuid.UUID] = (),
) -> list[LineRow]:
    # A course deleted since the rows were read has taken its lines along.
    rows = [row for row in rows if row["course_id"] in courses]
    if not rows:
        return []
    course_ids = [row["course_id"] for row in rows]
    obstacles = find_obstacles(
        user_id=user_id, course_ids=course_ids, courses=courses, in_progress=in_progress
    )
    return [
        {
            "id": row["id"],
            "course": _show_course(courses[row["course_id"]]),
            "added_at": row["added_at"],
            "available": row["course_id"] not in obstacles,
            "unavailable_reason": obstacles.get(row["course_id"]),
        }
        for row in rows
    ]


def _show_course(course: CourseForSale) -> CourseInCart:
    return {
        "id": course.id,
        "title": course.title,
        "slug": course.slug,
        "price": course.price,
        "original_price": course.original_price,
        "thumbnail": media_url(course.thumbnail),
    }
