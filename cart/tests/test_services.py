"""The cart's and the wishlist's rules."""

import pytest

from cart import selectors, services
from cart.errors import CartFull, CartItemNotFound, WishlistItemNotFound
from cart.handlers import drop_enrolled
from cart.models import Cart, CartItem, WishlistItem
from cart.services import Skipped
from core.ids import new_id
from courses.errors import CourseNotFound
from enrollments.errors import AlreadyEnrolled, OwnCourse
from enrollments.events import Enrolled
from tests.factories import CourseFactory, EnrollmentFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory.create()


@pytest.mark.parametrize("add", [services.add_to_cart, services.add_to_wishlist])
class TestAdding:
    def test_adds_once(self, user, add):
        course = CourseFactory.create()
        first = add(user_id=user.id, course_id=course.id)
        again = add(user_id=user.id, course_id=course.id)
        assert first.created
        assert not again.created
        assert first.item_id == again.item_id
        assert CartItem.objects.count() + WishlistItem.objects.count() == 1

    @pytest.mark.parametrize("status", ["draft", "in_review", "archived"])
    def test_refuses_what_is_not_on_sale(self, user, add, status):
        course = CourseFactory.create(status=status)
        with pytest.raises(CourseNotFound):
            add(user_id=user.id, course_id=course.id)
        assert not CartItem.objects.exists()
        assert not WishlistItem.objects.exists()

    def test_refuses_an_unknown_course(self, user, add):
        with pytest.raises(CourseNotFound):
            add(user_id=user.id, course_id=new_id())

    @pytest.mark.parametrize("status", ["active", "suspended"])
    def test_refuses_what_is_owned(self, user, add, status):
        owned = EnrollmentFactory.create(user=user, status=status)
        with pytest.raises(AlreadyEnrolled):
            add(user_id=user.id, course_id=owned.course_id)
        assert not CartItem.objects.exists()
        assert not WishlistItem.objects.exists()

    def test_takes_what_was_owned_and_revoked(self, user, add):
        lost = EnrollmentFactory.create(user=user, status="revoked")
        assert add(user_id=user.id, course_id=lost.course_id).created

    def test_refuses_ones_own_course(self, user, add):
        course = CourseFactory.create(instructor=user)
        with pytest.raises(OwnCourse):
            add(user_id=user.id, course_id=course.id)
        assert not CartItem.objects.exists()
        assert not WishlistItem.objects.exists()


def test_a_cart_is_bounded(user, monkeypatch):
    monkeypatch.setattr(services, "MAX_LINES", 1)
    course = CourseFactory.create()
    services.add_to_cart(user_id=user.id, course_id=course.id)
    with pytest.raises(CartFull):
        services.add_to_cart(user_id=user.id, course_id=CourseFactory.create().id)
    # What is in it is still found.
    assert not services.add_to_cart(user_id=user.id, course_id=course.id).created
    assert selectors.list_course_ids(user_id=user.id) == [course.id]


def test_opening_a_cart_twice_gives_the_same(user):
    assert services.open_cart(user_id=user.id) == services.open_cart(user_id=user.id)
    assert Cart.objects.count() == 1


def test_merge_adds_and_names_what_it_skips(user):
    new, present = CourseFactory.create(), CourseFactory.create()
    services.add_to_cart(user_id=user.id, course_id=present.id)
    owned = EnrollmentFactory.create(user=user).course
    own = CourseFactory.create(instructor=user)
    draft = CourseFactory.create(status="draft")
    unknown = new_id()
    wanted = [new.id, present.id, owned.id, own.id, draft.id, unknown, new.id]

    outcome = services.merge_cart(user_id=user.id, course_ids=wanted)

    assert outcome.added == [new.id]
    assert outcome.skipped == [
        Skipped(course_id=present.id, reason="ALREADY_IN_CART"),
        Skipped(course_id=owned.id, reason="ALREADY_ENROLLED"),
        Skipped(course_id=own.id, reason="OWN_COURSE"),
        Skipped(course_id=draft.id, reason="COURSE_NOT_FOUND"),
        Skipped(course_id=unknown, reason="COURSE_NOT_FOUND"),
    ]
    assert selectors.list_course_ids(user_id=user.id) == [present.id, new.id]
    again = services.merge_cart(user_id=user.id, course_ids=wanted)
    assert again.added == []
    assert len(again.skipped) == 6


def test_merge_stops_at_a_full_cart(user, monkeypatch):
    monkeypatch.setattr(services, "MAX_LINES", 2)
    courses = CourseFactory.create_batch(3)
    outcome = services.merge_cart(user_id=user.id, course_ids=[c.id for c in courses])
    assert outcome.added == [courses[0].id, courses[1].id]
    assert outcome.skipped == [Skipped(course_id=courses[2].id, reason="CART_FULL")]


def test_removing_takes_one_line_of_ones_own(user):
    course, other = CourseFactory.create(), UserFactory.create()
    mine = services.add_to_cart(user_id=user.id, course_id=course.id)
    theirs = services.add_to_cart(user_id=other.id, course_id=course.id)
    with pytest.raises(CartItemNotFound):
        services.remove_from_cart(user_id=user.id, item_id=theirs.item_id)
    services.remove_from_cart(user_id=user.id, item_id=mine.item_id)
    with pytest.raises(CartItemNotFound):
        services.remove_from_cart(user_id=user.id, item_id=mine.item_id)
    assert list(CartItem.objects.values_list("id", flat=True)) == [theirs.item_id]


def test_clearing_empties_only_ones_own_cart(user):
    course, other = CourseFactory.create(), UserFactory.create()
    services.clear_cart(user_id=user.id)
    services.add_to_cart(user_id=user.id, course_id=course.id)
    services.add_to_cart(user_id=other.id, course_id=course.id)
    services.add_to_wishlist(user_id=user.id, course_id=course.id)
    services.clear_cart(user_id=user.id)
    services.clear_cart(user_id=user.id)
    assert CartItem.objects.get().cart.user == other
    assert WishlistItem.objects.count() == 1


def test_removing_from_the_wishlist(user):
    course, other = CourseFactory.create(), UserFactory.create()
    mine = services.add_to_wishlist(user_id=user.id, course_id=course.id)
    theirs = services.add_to_wishlist(user_id=other.id, course_id=course.id)
    with pytest.raises(WishlistItemNotFound):
        services.remove_from_wishlist(user_id=user.id, item_id=theirs.item_id)
    services.remove_from_wishlist(user_id=user.id, item_id=mine.item_id)
    assert WishlistItem.objects.get().user == other


def test_moving_to_the_cart(user):
    course = CourseFactory.create()
    item = services.add_to_wishlist(user_id=user.id, course_id=course.id)
    line = services.move_to_cart(user_id=user.id, item_id=item.item_id)
    assert line.created
    assert not WishlistItem.objects.exists()
    assert CartItem.objects.get().id == line.item_id


def test_moving_what_is_in_the_cart_already(user):
    course = CourseFactory.create()
    there = services.add_to_cart(user_id=user.id, course_id=course.id)
    item = services.add_to_wishlist(user_id=user.id, course_id=course.id)
    line = services.move_to_cart(user_id=user.id, item_id=item.item_id)
    assert (line.item_id, line.created) == (there.item_id, False)
    assert not WishlistItem.objects.exists()


def test_moving_refuses_and_keeps_the_wish(user):
    course = CourseFactory.create()
    item = services.add_to_wishlist(user_id=user.id, course_id=course.id)
    with pytest.raises(WishlistItemNotFound):
        services.move_to_cart(user_id=UserFactory.create().id, item_id=item.item_id)
    course.status = "archived"
    course.save()
    with pytest.raises(CourseNotFound):
        services.move_to_cart(user_id=user.id, item_id=item.item_id)
    assert WishlistItem.objects.count() == 1
    assert not CartItem.objects.exists()


def test_bought_courses_leave_cart_and_wishlist(user):
    bought, other = CourseFactory.create(), CourseFactory.create()
    stranger = UserFactory.create()
    for person in (user, stranger):
        for course in (bought, other):
            services.add_to_cart(user_id=person.id, course_id=course.id)
            services.add_to_wishlist(user_id=person.id, course_id=course.id)
    services.remove_bought(bought=[(user.id, bought.id)])
    both = [bought.id, other.id]
    assert selectors.in_cart_ids(user_id=user.id, course_ids=both) == {other.id}
    assert selectors.in_wishlist_ids(user_id=user.id, course_ids=both) == {other.id}
    assert selectors.in_cart_ids(user_id=stranger.id, course_ids=both) == set(both)
    assert selectors.in_wishlist_ids(user_id=stranger.id, course_ids=both) == set(both)


def test_a_course_one_got_otherwise_leaves_the_cart(user):
    course = CourseFactory.create()
    services.add_to_cart(user_id=user.id, course_id=course.id)
    event = Enrolled(enrollment_id=new_id(), user_id=user.id, course_id=course.id, source="free")
    drop_enrolled([event])
    drop_enrolled([event])
    assert not CartItem.objects.exists()


def test_flags_answer_only_what_was_asked(user):
    course, other = CourseFactory.create(), CourseFactory.create()
    services.add_to_cart(user_id=user.id, course_id=course.id)
    services.add_to_cart(user_id=user.id, course_id=other.id)
    assert selectors.in_cart_ids(user_id=user.id, course_ids=[course.id]) == {course.id}
    assert selectors.in_cart_ids(user_id=user.id, course_ids=[]) == set()
    assert selectors.in_wishlist_ids(user_id=user.id, course_ids=[course.id]) == set()
