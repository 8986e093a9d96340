"""Tax on orders, by a rule that the settings name."""

from decimal import Decimal

import pytest
from django.apps import apps

from cart.models import CartItem
from orders import services
from orders.errors import BillingCountryRequired
from orders.models import Order
from orders.taxes import TaxRate, highest_net, load_rule, no_tax, tax_lines
from tests.factories import CartItemFactory, sign_in
from tests.factories.coupons import CouponFactory

pytestmark = pytest.mark.django_db

CREATE = "/api/v1/orders/create-from-cart/"
ADDRESS = {
    "first_name": "John",
    "last_name": "Doe",
    "email": "john@example.com",
    "address_line1": "123 Main St",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}


@pytest.fixture
def by_country(settings):
    settings.TAX_RULE = "orders.taxes.rate_by_country"
    settings.TAX_RATES = {"DE": Decimal(19), "AT": Decimal(19), "FR": Decimal("5.5")}


def order_cart(user, country=None, coupon_code=None):
    address = {"country": country} if country is not None else {}
    created = services.create_from_cart(
        user_id=user.id, billing_address=address, coupon_code=coupon_code
    )
    return Order.objects.get(id=created.order_id)


def test_by_default_there_is_none(user, fill):
    fill(user, "10.00")
    order = order_cart(user, "DE")
    assert (order.tax_amount, order.tax_lines) == (0, [])
    assert load_rule() is no_tax


def test_it_is_shared_out_over_the_lines(user, fill, by_country):
    fill(user, "10.00", "10.00", "10.03")
    CouponFactory.create(code="TEN")
    body = sign_in(user).post(CREATE, {"billing_address": ADDRESS, "coupon_code": "TEN"}).json()
    # 30.03 - 3.00 = 27.03; 19 % of it is 5.1357.
    assert (body["tax_amount"], body["total_amount"]) == (5.14, 32.17)
    assert body["tax_lines"] == [{"name": "Tax DE", "rate": 19, "amount": 5.14}]
    assert [item["tax_amount"] for item in body["items"]] == [1.71, 1.71, 1.72]
    order = Order.objects.get()
    assert sum(item.tax_amount for item in order.items.all()) == order.tax_amount
    assert sum(item.paid_amount for item in order.items.all()) == order.total_amount


def test_a_country_without_a_rate_has_none(user, fill, by_country):
    fill(user, "10.00")
    assert order_cart(user, " us ").tax_amount == 0


def test_a_code_in_lower_case_is_the_same_country(user, fill, by_country):
    fill(user, "10.00")
    assert order_cart(user, "de").tax_amount == Decimal("1.90")


@pytest.mark.parametrize("country", [None, "", "Germany", "D", "D3", "XX", "UK"])
def test_the_country_is_needed(user, fill, by_country, country):
    fill(user, "10.00")
    with pytest.raises(BillingCountryRequired):
        order_cart(user, country)
    assert not Order.objects.exists()
    answer = sign_in(user).post(CREATE)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "BILLING_COUNTRY_REQUIRED"
    assert "two-letter" in error["details"]["billing_address"]["country"][0]


def test_tax_counts_towards_the_most_that_can_be_charged(user, fill, by_country):
    fill(user, "900000.00")
    answer = sign_in(user).post(CREATE, {"billing_address": ADDRESS | {"country": "DE"}})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "AMOUNT_TOO_LARGE")
    assert error["details"] == {"maximum_amount": 999999.99}
    assert order_cart(user, "US").total_amount == Decimal("900000.00")


def test_the_order_keeps_a_code_in_capitals(user, fill, by_country):
    fill(user, "10.00")
    order = sign_in(user).post(CREATE, {"billing_address": ADDRESS | {"country": "de"}}).json()
    assert (order["billing_address"]["country"], order["tax_amount"]) == ("DE", 1.9)


def test_what_costs_nothing_needs_no_country(user, fill, by_country):
    fill(user, "10.00", "0.00")
    CouponFactory.create(code="FREE", percent_off=100)
    order = order_cart(user, coupon_code="FREE")
    assert (order.status, order.tax_amount) == ("completed", 0)


class TestAgain:
    def test_another_tax_replaces_the_order(self, user, fill, by_country, events):
        fill(user, "10.00")
        old = order_cart(user, "DE")
        new = order_cart(user, "FR")
        assert (new.tax_amount, new.total_amount) == (Decimal("0.55"), Decimal("10.55"))
        old.refresh_from_db()
        assert (old.failure_reason, old.total_amount) == ("replaced", Decimal("11.90"))
        assert [event["reason"] for event in events("orders.order_closed")] == ["replaced"]

    def test_another_country_with_the_same_tax_is_the_same_order(self, user, fill, by_country):
        fill(user, "10.00")
        old, new = order_cart(user, "DE"), order_cart(user, "AT")
        assert new == old
        assert new.billing_address == {"country": "AT"}

    def test_no_address_is_the_one_of_before(self, user, fill, by_country):
        fill(user, "10.00")
        old = order_cart(user, "DE")
        assert order_cart(user) == old
        CartItemFactory.create(cart__user=user, course__price=Decimal("5.00"),
                               course__original_price=None)  # fmt: skip
        new = order_cart(user)
        assert (new.billing_address, new.tax_amount) == ({"country": "DE"}, Decimal("2.85"))

    def test_a_changed_rate_replaces_the_order(self, user, fill, by_country, settings):
        fill(user, "10.00")
        old = order_cart(user, "DE")
        settings.TAX_RATES = {"DE": Decimal(7)}
        assert order_cart(user, "DE") != old

    def test_a_refusal_leaves_the_order_of_before(self, user, fill, by_country):
        fill(user, "10.00")
        old = order_cart(user, "DE")
        with pytest.raises(BillingCountryRequired):
            order_cart(user, "Germany")
        old.refresh_from_db()
        assert (old.status, old.billing_address) == ("pending", {"country": "DE"})
        assert CartItem.objects.count() == 1


def test_a_rule_that_is_not_there_is_found_at_the_start(settings):
    settings.TAX_RULE = "orders.taxes.nothing_here"
    with pytest.raises(SystemExit, match=r"can't start, TAX_RULE: .*nothing_here"):
        apps.get_app_config("orders").ready()


def test_a_currency_without_cents_is_found_at_the_start(settings):
    settings.CURRENCY = "jpy"
    with pytest.raises(SystemExit, match=r"can't start, CURRENCY: .*JPY"):
        apps.get_app_config("orders").ready()


def test_bounds_that_nothing_lies_between_are_found_at_the_start(settings):
    settings.MINIMUM_CHARGE, settings.MAXIMUM_CHARGE = Decimal(5), Decimal(3)
    with pytest.raises(SystemExit, match=r"can't start, MINIMUM_CHARGE: .*5\.00 .*3\.00"):
        apps.get_app_config("orders").ready()


@pytest.mark.parametrize(
    ("rates", "word"), [({"UK": Decimal(20)}, "'UK'"), ({"DE": Decimal(190)}, "190")]
)
def test_rates_that_are_none_are_found_at_the_start(settings, rates, word):
    settings.TAX_RATES = rates
    with pytest.raises(SystemExit, match=rf"can't start, TAX_RATES: .*{word}"):
        apps.get_app_config("orders").ready()


def three_taxes(*, country):
    """Each is rounded up by itself; where nobody says a country, nobody knows them."""
    if not country:
        raise BillingCountryRequired
    rates = ["2.5", "2.5", "1.5"] if country == "CA" else ["6"]
    return [TaxRate(name="Tax", percent=Decimal(rate)) for rate in rates]


class TestTheHighestPrice:
    def test_without_tax_it_is_all(self):
        assert highest_net(total=Decimal("999.99")) == Decimal("999.99")

    def test_it_is_what_the_dearest_country_can_pay(self, by_country):
        assert highest_net(total=Decimal("119.00")) == Decimal("100.00")

    @pytest.mark.parametrize("cents", range(9_900, 10_000))
    def test_with_each_tax_rounded_it_is_never_too_much(self, settings, cents):
        settings.TAX_RULE = f"{__name__}.three_taxes"
        total = Decimal(cents) / 100
        net = highest_net(total=total)
        assert net + tax_lines(net_amounts=[net], country="CA").amount <= total
        more = net + Decimal("0.03")
        assert more + tax_lines(net_amounts=[more], country="CA").amount > total
