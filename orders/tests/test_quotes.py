"""Whatever is bought with whatever coupon wherever: the lines add up to the cent."""

import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import ZERO
from courses.selectors import CourseForSale
from orders.coupon_rules import Refusal, Uses, judge_coupon
from orders.models import Coupon
from orders.quotes import make_quote
from orders.taxes import TaxRate

TEACHERS = [uuid.UUID(int=n) for n in (1, 2)]
CATEGORIES = [uuid.UUID(int=n) for n in (3, 4)]

cents = st.integers(0, 9_999_999).map(lambda minor: Decimal(minor) / 100)
rates = st.lists(
    st.builds(
        TaxRate,
        name=st.sampled_from(["VAT", "City"]),
        percent=st.decimals(Decimal("0.125"), Decimal(40), places=3),
    ),
    max_size=2,
)
_rates: list[TaxRate] = []


def rule(*, country):
    return _rates


def course(price, teacher=TEACHERS[0], category=CATEGORIES[0]):
    return CourseForSale(
        id=uuid.uuid4(),
        title="A course",
        slug="a-course",
        price=Decimal(price),
        original_price=None,
        instructor_id=teacher,
        category_id=category,
        thumbnail="",
        is_on_sale=True,
    )


courses_to_buy = st.lists(
    st.builds(course, cents, st.sampled_from(TEACHERS), st.sampled_from(CATEGORIES)),
    min_size=1,
    max_size=12,
)
coupons = st.builds(
    Coupon,
    instructor_id=st.sampled_from([None, *TEACHERS]),
    category_id=st.sampled_from([None, *CATEGORIES]),
    percent_off=st.none() | st.integers(1, 100),
    amount_off=cents.filter(bool),
    minimum_amount=st.none() | cents.filter(bool),
)


@given(courses=courses_to_buy, coupon=coupons, taxes=rates)
def test_every_line_adds_up(courses, coupon, taxes):
    if coupon.percent_off is not None:
        coupon.amount_off = None
    _rates[:] = taxes
    verdict = judge_coupon(coupon=coupon, uses=Uses(), courses=courses)
    quote = make_quote(courses=courses, discounts=verdict.discounts, country="DE")
    assert quote.discount == verdict.discount
    assert quote.tax == sum((line.amount for line in quote.tax_lines), start=ZERO)
    paid = [line.course.price - line.discount + line.tax for line in quote.lines]
    assert sum(paid, start=ZERO) == quote.total
    for line in quote.lines:
        assert ZERO <= line.discount <= line.course.price
        assert line.tax >= ZERO
        assert all(amount == round(amount, 2) for amount in (line.discount, line.tax))
        if line.discount:
            assert coupon.instructor_id in (None, line.course.instructor_id)
            assert coupon.category_id in (None, line.course.category_id)
    if verdict.refusal is None:
        assert quote.discount > ZERO
        net = quote.subtotal - quote.discount
        assert net == ZERO or net >= Decimal("0.50")


@pytest.fixture(autouse=True)
def _own_rule(settings):
    settings.TAX_RULE = f"{__name__}.rule"


def test_two_taxes_are_each_reckoned_on_the_whole():
    _rates[:] = [
        TaxRate(name="State", percent=Decimal("7.25")),
        TaxRate(name="City", percent=Decimal("1.125")),
    ]
    quote = make_quote(courses=[course("10.00"), course("20.01")], discounts={}, country="US")
    assert [line.amount for line in quote.tax_lines] == [Decimal("2.18"), Decimal("0.34")]
    assert [line.tax for line in quote.lines] == [Decimal("0.84"), Decimal("1.68")]
    assert quote.total == Decimal("32.53")


@pytest.mark.parametrize(
    ("amount_off", "refusal"), [("9.50", None), ("9.51", "below_charge_minimum"), ("10.00", None)]
)
def test_what_is_left_can_be_charged_or_is_nothing(amount_off, refusal):
    coupon = Coupon(amount_off=Decimal(amount_off))
    verdict = judge_coupon(coupon=coupon, uses=Uses(), courses=[course("10.00")])
    assert verdict.refusal == refusal


@pytest.mark.parametrize(("price", "discount"), [("0.05", "0.01"), ("0.04", None)])
def test_a_coupon_that_takes_nothing_off_does_not_apply(price, discount):
    coupon = Coupon(percent_off=10)
    verdict = judge_coupon(coupon=coupon, uses=Uses(), courses=[course(price), course("10")])
    assert verdict.refusal is None
    only = judge_coupon(coupon=coupon, uses=Uses(), courses=[course(price)])
    assert (only.refusal is Refusal.NOT_APPLICABLE) is (discount is None)
