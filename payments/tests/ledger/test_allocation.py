"""Dividing a sale and taking it back: to the cent, whatever the amounts."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.money import ZERO, from_minor
from orders.selectors import OrderLine
from payments.ledger.allocation import (
    Account,
    LineShares,
    Part,
    divide_sale,
    share_lines,
    take_back,
)

SOON = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def line(net: str, *, tax: str = "0.00", taught: bool = True) -> OrderLine:
    return OrderLine(
        id=uuid.uuid4(),
        course_id=uuid.uuid4(),
        title="A course",
        net_amount=Decimal(net),
        tax_amount=Decimal(tax),
        refunded_amount=ZERO,
        state="fulfilled",
        enrollment_id=None,
        instructor_id=uuid.uuid4() if taught else None,
    )


def divide(*lines: OrderLine, percent: int = 70, owned: Sequence[OrderLine] = ()) -> list[Part]:
    return divide_sale(share(*lines, percent=percent, owned=owned))


def share(
    *lines: OrderLine, percent: int = 70, owned: Sequence[OrderLine] = ()
) -> list[LineShares]:
    return share_lines(
        lines=lines,
        owned_item_ids={one.id for one in owned},
        percents={one.course_id: percent for one in lines},
        available_at=SOON,
    )


def amounts(parts: Sequence[Part]) -> list[tuple[str, str]]:
    return [(part.account.value, str(part.amount)) for part in parts]


def total(parts: Sequence[Part]) -> Decimal:
    return sum((part.amount for part in parts), ZERO)


def less(held: Sequence[Part], taken: Sequence[Part]) -> list[Part]:
    """What is left of the parts held after those taken."""
    gone = {(part.order_item_id, part.account): part.amount for part in taken}
    left = [
        replace(part, amount=part.amount - gone.get((part.order_item_id, part.account), ZERO))
        for part in held
    ]
    assert all(part.amount >= 0 for part in left), "nobody gives back more than they hold"
    return [part for part in left if part.amount > 0]


def loss(parts: Sequence[Part]) -> Decimal:
    return total([part for part in parts if part.order_item_id is None])


def test_what_was_agreed_of_a_line_is_written_down() -> None:
    sold, owned, orphan, free = (
        line("10.01", tax="1.90"), line("5.00"), line("8.00", taught=False), line("0.00"),
    )  # fmt: skip
    shares = share(sold, owned, orphan, free, owned=[owned])
    assert shares == [
        LineShares(
            order_item_id=sold.id, percent=70, instructor_id=sold.instructor_id, available_at=SOON,
            instructor_amount=Decimal("7.01"), platform_amount=Decimal("3.00"),
            tax_amount=Decimal("1.90"),
        ),
        LineShares(order_item_id=owned.id, buyer_amount=Decimal("5.00")),
        LineShares(order_item_id=orphan.id, platform_amount=Decimal("8.00")),
        LineShares(order_item_id=free.id, percent=70),
    ]  # fmt: skip


def test_a_line_is_divided_between_instructor_platform_and_tax() -> None:
    parts = divide(line("49.99", tax="9.50"))
    assert amounts(parts) == [("instructor", "34.99"), ("platform", "15.00"), ("tax", "9.50")]
    instructors = [part for part in parts if part.account == Account.INSTRUCTOR]
    assert [part.available_at for part in instructors] == [SOON]
    assert all(part.available_at is None for part in parts if part not in instructors)


def test_nothing_is_booked_for_nothing() -> None:
    assert amounts(divide(line("10.00"), percent=100)) == [("instructor", "10.00")]
    assert amounts(divide(line("10.00"), percent=0)) == [("platform", "10.00")]
    assert divide(line("0.00")) == []


def test_a_course_nobody_is_known_to_teach_is_the_platforms() -> None:
    assert amounts(divide(line("10.00", taught=False))) == [("platform", "10.00")]


def test_the_money_of_a_course_owned_already_is_the_buyers() -> None:
    owned = line("10.00", tax="2.00")
    parts = divide(owned, line("20.00"), owned=[owned])
    assert amounts(parts) == [
        ("buyers", "12.00"),
        ("instructor", "14.00"),
        ("platform", "6.00"),
    ]
    assert parts[0].order_item_id == owned.id


def test_a_named_line_gives_first_and_the_others_nothing() -> None:
    one, other = line("40.00"), line("60.00")
    held = divide(one, other)
    taken = take_back(held=held, named={one.id: Decimal("10.00")}, rest=ZERO)
    assert amounts(taken) == [("instructor", "7.00"), ("platform", "3.00")]
    assert {part.order_item_id for part in taken} == {one.id}


def test_a_rest_is_given_by_all_in_proportion() -> None:
    one, other = line("40.00"), line("60.00")
    taken = take_back(held=divide(one, other), named={}, rest=Decimal("10.00"))
    assert total([part for part in taken if part.order_item_id == one.id]) == Decimal("4.00")
    assert total([part for part in taken if part.order_item_id == other.id]) == Decimal("6.00")


def test_what_a_named_line_no_longer_holds_the_others_give() -> None:
    one, other = line("40.00"), line("60.00")
    taken = take_back(held=divide(one, other), named={one.id: Decimal("50.00")}, rest=ZERO)
    assert total([part for part in taken if part.order_item_id == one.id]) == Decimal("40.00")
    assert total([part for part in taken if part.order_item_id == other.id]) == Decimal("10.00")


def test_what_nobody_holds_is_the_platforms_loss() -> None:
    taken = take_back(held=divide(line("40.00")), named={}, rest=Decimal("55.00"))
    assert amounts(taken)[-1] == ("platform", "15.00")
    assert loss(taken) == Decimal("15.00")
    assert amounts(take_back(held=[], named={}, rest=Decimal("5.00"))) == [("platform", "5.00")]


cents = st.integers(min_value=0, max_value=100_000).map(from_minor)
lines_of_orders = st.lists(
    st.builds(
        lambda net, tax, taught: line(str(net), tax=str(tax), taught=taught),
        cents,
        cents,
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@given(lines=lines_of_orders, percent=st.integers(0, 100), data=st.data())
def test_a_sale_is_divided_to_the_cent(
    lines: list[OrderLine], percent: int, data: st.DataObject
) -> None:
    owned = data.draw(st.lists(st.sampled_from(lines), unique_by=id))
    parts = divide(*lines, percent=percent, owned=owned)
    for one in lines:
        of_line = [part for part in parts if part.order_item_id == one.id]
        assert total(of_line) == one.paid_amount
    assert all(part.amount > 0 for part in parts)


@given(lines=lines_of_orders, percent=st.integers(0, 100), data=st.data())
def test_partial_refunds_and_then_the_rest_leave_nothing(
    lines: list[OrderLine], percent: int, data: st.DataObject
) -> None:
    held = divide(*lines, percent=percent)
    for _ in range(data.draw(st.integers(0, 6))):
        left = total(held)
        amount = from_minor(data.draw(st.integers(0, int(left * 100))))
        named = data.draw(st.sampled_from([None, *lines]))
        taken = take_back(
            held=held,
            named={named.id: amount} if named else {},
            rest=ZERO if named else amount,
        )
        assert total(taken) == amount
        assert loss(taken) == 0, "lines that hold enough leave the platform no loss"
        held = less(held, taken)
    taken = take_back(held=held, named={}, rest=total(held))
    assert less(held, taken) == []
    assert loss(taken) == 0


@given(lines=lines_of_orders, extra=cents)
def test_more_than_is_held_takes_all_and_the_platform_bears_the_rest(
    lines: list[OrderLine], extra: Decimal
) -> None:
    held = divide(*lines)
    taken = take_back(held=held, named={lines[0].id: total(held) + extra}, rest=ZERO)
    assert less(held, [part for part in taken if part.order_item_id]) == []
    assert loss(taken) == extra
