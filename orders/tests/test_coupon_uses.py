"""A coupon counts its own uses: the database keeps the count, and what it says is the limit."""

import datetime as dt
import importlib
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.errors import Invalid
from orders import services
from orders.models import Coupon, CouponRedemption, Order
from orders.services import checkout, own_coupons
from tests.admin_browser import AdminBrowser
from tests.emptying import unguarded
from tests.factories import InstructorFactory, OrderFactory, StaffFactory, UserFactory
from tests.factories.coupons import CouponFactory, redeem
from tests.parallel import Beside


def uses_of(coupon: Coupon) -> int:
    return Coupon.objects.get(id=coupon.id).used_count


@pytest.mark.django_db
class TestCounting:
    def test_it_counts_what_is_taken_and_given_back(self, place):
        coupon = CouponFactory.create(code="TEN")
        orders = [place(UserFactory.create(), "10.00", coupon_code="TEN") for _ in range(3)]
        assert uses_of(coupon) == 3
        services.close_order(order_id=orders[0].id, reason="canceled")
        assert uses_of(coupon) == 2

    def test_a_redemption_that_moves_is_counted_where_it_is(self):
        first, second = CouponFactory.create_batch(2)
        redemption = redeem(first, OrderFactory.create())
        redemption.coupon = second
        redemption.save()
        assert (uses_of(first), uses_of(second)) == (0, 1)

    def test_one_saved_from_an_old_reading_keeps_its_count(self):
        coupon = CouponFactory.create()
        redeem(coupon, OrderFactory.create())
        assert coupon.used_count == 0
        coupon.percent_off = 20
        coupon.save()
        assert uses_of(coupon) == 1
        assert Coupon.objects.get().percent_off == 20

    def test_one_use_too_many_is_refused(self):
        coupon = CouponFactory.create(max_redemptions=1)
        redeem(coupon, OrderFactory.create())
        with pytest.raises(IntegrityError, match="is used up"), transaction.atomic():
            redeem(coupon, OrderFactory.create())
        assert uses_of(coupon) == CouponRedemption.objects.count() == 1

    def test_nobody_elses_uses_are_read_to_order_with_it(self, user, fill):
        CouponFactory.create(code="TEN")
        fill(user, "10.00")
        with CaptureQueriesContext(connection) as asked:
            services.create_from_cart(user_id=user.id, billing_address={}, coupon_code="TEN")
        read = [
            query["sql"] for query in asked
            if query["sql"].startswith("SELECT") and "orders_couponredemption" in query["sql"]
        ]  # fmt: skip
        assert len(read) == 1
        assert '"orders_couponredemption"."user_id" = ' in read[0]


@pytest.mark.django_db(transaction=True)
def test_two_who_swap_their_coupons_do_not_wait_for_each_other(fill, place, monkeypatch):
    """Each order ends for one with the other's coupon, and gives its own back."""
    CouponFactory.create(code="ONE")
    CouponFactory.create(code="TWO")
    users = UserFactory.create_batch(2)
    for user, code in zip(users, ("ONE", "TWO"), strict=True):
        place(user, "10.00", coupon_code=code)
    lock_lines, begun = checkout._lock_lines, []
    other = partial(
        services.create_from_cart, user_id=users[1].id, billing_address={}, coupon_code="ONE"
    )

    def lock_while_the_other_swaps(**given):
        monkeypatch.undo()
        begun.append(Beside(other))
        return lock_lines(**given)

    monkeypatch.setattr(checkout, "_lock_lines", lock_while_the_other_swaps)
    services.create_from_cart(user_id=users[0].id, billing_address={}, coupon_code="TWO")
    (second,) = begun
    assert second.had_to_wait
    assert second.result().created
    live = Order.objects.filter(status="pending")
    assert dict(live.values_list("user_id", "coupon__code")) == {
        users[0].id: "TWO", users[1].id: "ONE",
    }  # fmt: skip
    assert list(Coupon.objects.values_list("used_count", flat=True)) == [1, 1]


@pytest.fixture
def used() -> Coupon:
    """A coupon of an instructor's that one person used twice and another once."""
    coupon = CouponFactory.create(instructor=InstructorFactory.create())
    person = UserFactory.create()
    for buyer in (person, person, UserFactory.create()):
        redeem(coupon, OrderFactory.create(user=buyer, status="failed"))
    return coupon


LIMITS = [
    ("max_redemptions", 3, "It was used 3 times already: the limit can't be below that."),
    ("max_redemptions_per_person", 2,
     "By one person it was used 2 times already: the limit can't be below that."),
]  # fmt: skip


@pytest.mark.django_db
class TestLimits:
    @pytest.mark.parametrize(("field", "least", "words"), LIMITS)
    def test_an_instructor_sets_none_below_what_was_used(self, used, field, least, words):
        fields: Any = {field: least - 1}
        with pytest.raises(Invalid) as refused:
            own_coupons.edit_coupon(
                instructor_id=used.instructor_id, coupon_id=used.id, fields=fields
            )
        assert refused.value.details == {field: [words]}
        fields[field] = least
        own_coupons.edit_coupon(instructor_id=used.instructor_id, coupon_id=used.id, fields=fields)
        assert getattr(Coupon.objects.get(), field) == least

    @pytest.mark.parametrize(("field", "least", "words"), LIMITS)
    def test_staff_set_none_below_what_was_used(self, used, field, least, words):
        client = AdminBrowser()
        client.force_login(StaffFactory.create())
        address = f"/admin/orders/coupon/{used.id}/change/"
        terms = {"code": used.code, "percent_off": "10", "instructor": str(used.instructor_id)}
        answer = client.post(address, {**terms, field: str(least - 1)})
        assert answer.context["adminform"].form.errors == {field: [words]}
        assert client.post(address, {**terms, field: str(least)}).status_code == 302
        assert getattr(Coupon.objects.get(), field) == least

    def edit(self, coupon: Coupon, fields: Any) -> list[str]:
        """Give the coupon these terms; returns what was read of its uses, as `uses_read` does."""
        assert coupon.instructor_id
        with CaptureQueriesContext(connection) as asked:
            own_coupons.edit_coupon(
                instructor_id=coupon.instructor_id, coupon_id=coupon.id, fields=fields
            )
        return uses_read(asked)

    @pytest.mark.parametrize(
        "fields",
        [{"percent_off": 20}, {"max_redemptions": 3}, {"max_redemptions_per_person": 3},
         {"max_redemptions_per_person": 4}, {"max_redemptions_per_person": None},
         {"max_redemptions": 9, "max_redemptions_per_person": 3}],
    )  # fmt: skip
    def test_an_edit_that_lowers_no_persons_limit_reads_no_uses(self, used, fields):
        Coupon.objects.update(max_redemptions_per_person=3)
        assert self.edit(used, fields) == ["locked"]

    @pytest.mark.parametrize("before", [None, 3])
    def test_under_the_lock_only_those_of_the_last_minutes_are_read(self, used, before):
        Coupon.objects.update(max_redemptions_per_person=before)
        ahead, locked, since = self.edit(used, {"max_redemptions_per_person": 2})
        assert (locked, "created_at" in ahead) == ("locked", False)
        assert '"created_at" >= ' in since

    def test_so_it_is_for_staff(self, used):
        client = AdminBrowser()
        client.force_login(StaffFactory.create())
        address = f"/admin/orders/coupon/{used.id}/change/"
        terms = {"code": used.code, "percent_off": "10", "instructor": str(used.instructor_id)}

        def save(limit: str) -> list[str]:
            with CaptureQueriesContext(connection) as asked:
                answer = client.post(address, {**terms, "max_redemptions_per_person": limit})
            assert answer.status_code == 302
            return uses_read(asked)

        assert save("3")[1] == "locked"
        assert save("4") == ["locked"]
        ahead, locked, since = save("2")
        assert (locked, "created_at" in ahead) == ("locked", False)
        assert '"created_at" >= ' in since

    def test_what_was_used_since_one_looked_ahead_counts(self, used, monkeypatch):
        """Of two uses by one person one is from long ago, and one came just before the lock."""
        buyer = UserFactory.create()
        redeem(used, OrderFactory.create(user=buyer, status="failed"))
        redeem(used, OrderFactory.create(user=buyer, status="failed"))
        CouponRedemption.objects.update(created_at=timezone.now() - dt.timedelta(days=1))
        lock_own = own_coupons._lock_own

        def lock_after_an_order(*given):
            redeem(used, OrderFactory.create(user=buyer, status="failed"))
            return lock_own(*given)

        monkeypatch.setattr(own_coupons, "_lock_own", lock_after_an_order)
        with pytest.raises(Invalid, match="not acceptable") as refused:
            self.edit(used, {"max_redemptions_per_person": 2})
        assert "used 3 times already" in str(refused.value.details)

    def test_all_are_read_when_the_limit_went_up_before_the_lock(self, used, monkeypatch):
        """It wasn't lowered when one looked ahead."""
        CouponRedemption.objects.update(created_at=timezone.now() - dt.timedelta(days=1))
        Coupon.objects.update(max_redemptions_per_person=1)
        lock_own = own_coupons._lock_own

        def lock_after_another_edit(*given):
            Coupon.objects.update(max_redemptions_per_person=2)
            return lock_own(*given)

        monkeypatch.setattr(own_coupons, "_lock_own", lock_after_another_edit)
        with pytest.raises(Invalid):
            self.edit(used, {"max_redemptions_per_person": 1})


def uses_read(asked: CaptureQueriesContext) -> list[str]:
    """Return the statements that read uses, and "locked" where the coupon was."""
    told = ["locked" if "FOR NO KEY UPDATE" in one["sql"] else one["sql"] for one in asked]
    return [sql for sql in told if sql == "locked" or "orders_couponredemption" in sql]


@pytest.mark.django_db
def test_the_uses_of_before_are_counted_and_lowered_limits_lifted(used):
    lowered = CouponFactory.create()
    for _ in range(2):
        redeem(lowered, OrderFactory.create())
    never = CouponFactory.create(max_redemptions=7, amount_off=Decimal(1), percent_off=None)
    migration = importlib.import_module("orders.migrations.0004_coupon_uses")
    # As before the triggers: nothing is counted, and nobody keeps the count.
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("UPDATE orders_coupon SET used_count = 0")
        cursor.execute(
            "UPDATE orders_coupon SET max_redemptions = 1, max_redemptions_per_person = 1"
            " WHERE id = %s",
            [lowered.id],
        )
        migration.count_uses(apps, SimpleNamespace(connection=connection))
    told = Coupon.objects.values_list(
        "id", "used_count", "max_redemptions", "max_redemptions_per_person"
    )
    assert set(told) == {
        (used.id, 3, None, None), (lowered.id, 2, 2, 1), (never.id, 0, 7, None),
    }  # fmt: skip
