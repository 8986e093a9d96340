"""The cart under real threads."""

import pytest

from cart import services
from cart.models import Cart, CartItem, WishlistItem
from tests.factories import CourseFactory, UserFactory
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


def test_twenty_parallel_adds_make_one_line():
    user, course = UserFactory.create(), CourseFactory.create()
    lines = run_in_parallel(
        20, lambda _: services.add_to_cart(user_id=user.id, course_id=course.id)
    )
    assert [line.created for line in lines].count(True) == 1
    assert len({line.item_id for line in lines}) == 1
    assert Cart.objects.count() == CartItem.objects.count() == 1


def test_twenty_parallel_wishes_make_one_line():
    user, course = UserFactory.create(), CourseFactory.create()
    lines = run_in_parallel(
        20, lambda _: services.add_to_wishlist(user_id=user.id, course_id=course.id)
    )
    assert [line.created for line in lines].count(True) == 1
    assert WishlistItem.objects.count() == 1


def test_twenty_parallel_first_looks_make_one_cart():
    user = UserFactory.create()
    carts = run_in_parallel(20, lambda _: services.open_cart(user_id=user.id))
    assert {cart.id for cart in carts} == {Cart.objects.get().id}


def test_parallel_adds_never_exceed_the_bound(monkeypatch):
    monkeypatch.setattr(services, "MAX_LINES", 3)
    user, courses = UserFactory.create(), CourseFactory.create_batch(12)
    run_in_parallel(12, lambda n: services.add_to_cart(user_id=user.id, course_id=courses[n].id))
    assert CartItem.objects.count() == 3


def test_parallel_merges_of_one_list_add_each_course_once():
    user, courses = UserFactory.create(), CourseFactory.create_batch(5)
    wanted = [course.id for course in courses]
    outcomes = run_in_parallel(
        8,
        lambda n: services.merge_cart(
            user_id=user.id, course_ids=wanted if n % 2 else list(reversed(wanted))
        ),
    )
    assert sorted(one for outcome in outcomes for one in outcome.added) == sorted(wanted)
    assert CartItem.objects.count() == 5


def test_parallel_moves_of_one_wish_make_one_line():
    user, course = UserFactory.create(), CourseFactory.create()
    wish = services.add_to_wishlist(user_id=user.id, course_id=course.id)
    run_in_parallel(8, lambda _: services.move_to_cart(user_id=user.id, item_id=wish.item_id))
    assert CartItem.objects.count() == 1
    assert not WishlistItem.objects.exists()
