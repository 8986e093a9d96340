"""Changes to carts and wishlists."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from cart import selectors
from cart.errors import CartFull, CartItemNotFound, WishlistItemNotFound
from cart.models import Cart, CartItem, WishlistItem
from cart.selectors import Obstacle, OpenCart
from courses import selectors as course_selectors
from courses.errors import CourseNotFound
from enrollments.buying import CourseInProgress, list_courses_in_progress, tell_courses
from enrollments.errors import AccessWithdrawn, AlreadyEnrolled, OwnCourse, PaymentInProgress

# A cart is answered and ordered whole, so it is bounded.
MAX_LINES = 100

_BOUGHT: Final = "unnest(%s::uuid[], %s::uuid[]) AS bought (user_id, course_id)"
_DELETE_LINES: Final = f"""
    DELETE FROM cart_cartitem line USING cart_cart cart, {_BOUGHT}
    WHERE cart.id = line.cart_id AND cart.user_id = bought.user_id
      AND line.course_id = bought.course_id
"""  # noqa: S608 - of this module's own texts
_DELETE_WISHES: Final = f"""
    DELETE FROM cart_wishlistitem wish USING {_BOUGHT}
    WHERE wish.user_id = bought.user_id AND wish.course_id = bought.course_id
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class AddedLine:
    """The line a course has now; `created` is False when it was there before."""

    item_id: uuid.UUID
    created: bool


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A course that a merge left out. `reason` is the code that adding it alone would answer, or
    ALREADY_IN_CART."""

    course_id: uuid.UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class MergeOutcome:
    """The cart now, and what a merge did with each course, in the order they were given."""

    cart: OpenCart
    added: list[uuid.UUID]
    skipped: list[Skipped]


def open_cart(*, user_id: uuid.UUID) -> OpenCart:
    """Return the person's cart; the first call makes it, twenty at once make one."""
    cart, _ = Cart.objects.get_or_create(user_id=user_id)
    return OpenCart(id=cart.id, coupon_code=cart.coupon_code)


def add_to_cart(*, user_id: uuid.UUID, course_id: uuid.UUID) -> AddedLine:
    """Put the course into the person's cart, once.

    Raises AlreadyEnrolled, PaymentInProgress when they are paying for it already, CourseNotFound
    (unknown or not on sale), OwnCourse, AccessWithdrawn, and CartFull at `MAX_LINES` courses.
    """
    in_progress = list_courses_in_progress(user_id=user_id)
    _check_buyable(user_id=user_id, course_id=course_id, in_progress=in_progress)
    with transaction.atomic():
        cart = _lock_open_cart(user_id)
        existing = CartItem.objects.filter(cart_id=cart.id, course_id=course_id).first()
        if existing is not None:
            return AddedLine(item_id=existing.id, created=False)
        if CartItem.objects.filter(cart_id=cart.id).count() >= MAX_LINES:
            raise CartFull(limit=MAX_LINES)
        item = CartItem.objects.create(cart_id=cart.id, course_id=course_id)
    return AddedLine(item_id=item.id, created=True)


def merge_cart(*, user_id: uuid.UUID, course_ids: Iterable[uuid.UUID]) -> MergeOutcome:
    """Take a guest's cart into the person's own; what can't be bought is skipped and named."""
    wanted = list(dict.fromkeys(course_ids))
    courses = course_selectors.get_courses_for_sale(course_ids=wanted)
    obstacles = selectors.find_obstacles(
        user_id=user_id,
        course_ids=wanted,
        courses=courses,
        in_progress={one.course_id for one in list_courses_in_progress(user_id=user_id)},
    )
    added: list[uuid.UUID] = []
    skipped: list[Skipped] = []
    with transaction.atomic():
        cart = _lock_open_cart(user_id)
        present = set(selectors.list_course_ids(user_id=user_id))
        for course_id in wanted:
            reason = _merge_refusal(course_id, obstacles, present, count=len(present) + len(added))
            if reason is None:
                added.append(course_id)
            else:
                skipped.append(Skipped(course_id=course_id, reason=reason))
        for course_id in added:
            CartItem.objects.create(cart_id=cart.id, course_id=course_id)
    return MergeOutcome(cart=cart, added=added, skipped=skipped)


def remove_from_cart(*, user_id: uuid.UUID, item_id: uuid.UUID) -> None:
    """Take one line out. Raises CartItemNotFound, also for another person's line."""
    if not CartItem.objects.filter(id=item_id, cart__user_id=user_id).delete()[0]:
        raise CartItemNotFound


def clear_cart(*, user_id: uuid.UUID) -> None:
    """Empty the person's cart and forget its coupon; an empty or missing one is fine."""
    with transaction.atomic():
        selectors.lock_cart(user_id=user_id)
        CartItem.objects.filter(cart__user_id=user_id).delete()
        drop_coupon(user_id=user_id)


def set_coupon(*, user_id: uuid.UUID, code: str) -> OpenCart:
    """Keep the code, in upper case, with the person's cart in place of the one before. Whether it
    applies to anything is the orders' to know and not asked here."""
    with transaction.atomic():
        cart = _lock_open_cart(user_id)
        _write_code(Cart.objects.filter(id=cart.id), code)
    return OpenCart(id=cart.id, coupon_code=code)


def drop_coupon(*, user_id: uuid.UUID) -> None:
    """Take the coupon off the person's cart; one without a coupon, or no cart, is fine."""
    _write_code(Cart.objects.filter(user_id=user_id).exclude(coupon_code=""), "")


def add_to_wishlist(*, user_id: uuid.UUID, course_id: uuid.UUID) -> AddedLine:
    """Put the course on the person's wishlist, once.

    What they are paying for can be wished for, as long as it is on sale. Raises AlreadyEnrolled,
    CourseNotFound (unknown or not on sale), OwnCourse or AccessWithdrawn.
    """
    _check_buyable(user_id=user_id, course_id=course_id)
    item, created = WishlistItem.objects.get_or_create(user_id=user_id, course_id=course_id)
    return AddedLine(item_id=item.id, created=created)


def remove_from_wishlist(*, user_id: uuid.UUID, item_id: uuid.UUID) -> None:
    """Take one line off. Raises WishlistItemNotFound, also for another person's line."""
    if not WishlistItem.objects.filter(id=item_id, user_id=user_id).delete()[0]:
        raise WishlistItemNotFound


def move_to_cart(*, user_id: uuid.UUID, item_id: uuid.UUID) -> AddedLine:
    """Move a line of the wishlist into the cart; returns the cart's line.

    Raises WishlistItemNotFound, and what `add_to_cart` raises; the wishlist is unchanged then.
    """
    with transaction.atomic():
        item = WishlistItem.objects.filter(id=item_id, user_id=user_id).first()
        if item is None:
            raise WishlistItemNotFound
        line = add_to_cart(user_id=user_id, course_id=item.course_id)
        item.delete()
    return line


@dataclass(frozen=True, kw_only=True)
class PaidCart:
    """What somebody paid for, and the coupon that was used, "" for none."""

    user_id: uuid.UUID
    course_ids: Collection[uuid.UUID]
    coupon_code: str


def settle_carts(*, paid: Collection[PaidCart]) -> None:
    """Take what was paid for out of carts and wishlists, and a cart's coupon as well if it is the
    one that was used or nothing is left for it; by as many statements as for one.

    Runs in the caller's transaction, who holds the carts' locks (`selectors.lock_carts`).
    """
    remove_bought(bought=[(one.user_id, course_id) for one in paid for course_id in one.course_ids])
    is_used = (Q(user_id=one.user_id, coupon_code=one.coupon_code) for one in paid)
    is_empty = ~Exists(CartItem.objects.filter(cart_id=OuterRef("id")))
    carts = Cart.objects.filter(user_id__in=[one.user_id for one in paid]).exclude(coupon_code="")
    _write_code(carts.filter(reduce(or_, is_used, Q(is_empty))), "")


def remove_bought(*, bought: Collection[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Take each course out of its person's cart and wishlist, in the caller's transaction and by
    two statements.

    Takes no lock on the carts themselves: the caller may hold locks that come after them.
    """
    people, courses = [person for person, _ in bought], [course for _, course in bought]
    with connection.cursor() as cursor:
        for statement in (_DELETE_LINES, _DELETE_WISHES):
            cursor.execute(statement, [people, courses])


def _check_buyable(
    *, user_id: uuid.UUID, course_id: uuid.UUID, in_progress: Sequence[CourseInProgress] = ()
) -> None:
    found = [one for one in in_progress if one.course_id == course_id]
    obstacles = selectors.find_obstacles(
        user_id=user_id,
        course_ids=[course_id],
        courses=course_selectors.get_courses_for_sale(course_ids=[course_id]),
        in_progress=[one.course_id for one in found],
    )
    match obstacles.get(course_id):
        case Obstacle.ALREADY_ENROLLED:
            raise AlreadyEnrolled
        case Obstacle.PAYMENT_IN_PROGRESS:
            raise PaymentInProgress(courses=tell_courses(found))
        case Obstacle.NOT_FOR_SALE:
            raise CourseNotFound
        case Obstacle.OWN_COURSE:
            raise OwnCourse
        case Obstacle.ACCESS_WITHDRAWN:
            raise AccessWithdrawn


def _merge_refusal(
    course_id: uuid.UUID,
    obstacles: dict[uuid.UUID, Obstacle],
    present: set[uuid.UUID],
    *,
    count: int,
) -> str | None:
    if (obstacle := obstacles.get(course_id)) is not None:
        not_sold = obstacle is Obstacle.NOT_FOR_SALE
        return CourseNotFound.code if not_sold else obstacle.value
    if course_id in present:
        return "ALREADY_IN_CART"
    return CartFull.code if count >= MAX_LINES else None


def _lock_open_cart(user_id: uuid.UUID) -> OpenCart:
    opened = open_cart(user_id=user_id)
    return selectors.lock_cart(user_id=user_id) or opened


def _write_code(carts: QuerySet[Cart], code: str) -> None:
    carts.update(coupon_code=code, updated_at=timezone.now())
