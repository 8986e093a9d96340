"""Whose a sale's money is, and who gives it back: pure arithmetic, to the cent."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from core.money import ZERO
from orders.pricing import percent_of, share_out
from orders.selectors import OrderLine
from payments.models import LedgerEntry

Account = LedgerEntry.Account


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one account holds, or gives back, of a payment's money; above zero, in major units.

    Without `order_item_id` it stands for no line. `instructor_id` and `available_at` are set for an
    instructor's part alone.
    """

    account: Account
    amount: Decimal
    order_item_id: uuid.UUID | None = None
    instructor_id: uuid.UUID | None = None
    available_at: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LineShares:
    """Whose the money of one order line is; together what was paid for it. Major units.

    `instructor_id` and `available_at` are set where the instructor gets something, `percent` where
    one is known to teach the course.
    """

    order_item_id: uuid.UUID
    percent: int | None = None
    instructor_id: uuid.UUID | None = None
    available_at: dt.datetime | None = None
    instructor_amount: Decimal = ZERO
    platform_amount: Decimal = ZERO
    tax_amount: Decimal = ZERO
    buyer_amount: Decimal = ZERO


def share_lines(
    *,
    lines: Sequence[OrderLine],
    owned_item_ids: Collection[uuid.UUID],
    percents: Mapping[uuid.UUID, int],
    available_at: dt.datetime,
) -> list[LineShares]:
    """Return whose the money of each line of a paid order is.

    `percents` is the instructor's share by course. The rest of a line's price after discount is the
    platform's, the tax is the tax office's. A course that nobody is known to teach is the
    platform's alone; a line the buyer owned already is still the buyer's.
    """
    return [
        LineShares(order_item_id=line.id, buyer_amount=line.paid_amount)
        if line.id in owned_item_ids
        else _share_line(line, percents[line.course_id], available_at)
        for line in lines
    ]


def divide_sale(shares: Sequence[LineShares]) -> list[Part]:
    """Return what each account holds of a paid order whose lines are shared like this; it adds up
    to what the lines cost."""
    return [part for line in shares for part in _divide_line(line) if part.amount > 0]


def _share_line(line: OrderLine, percent: int, available_at: dt.datetime) -> LineShares:
    share = percent_of(line.net_amount, percent) if line.instructor_id else ZERO
    return LineShares(
        order_item_id=line.id,
        percent=percent if line.instructor_id else None,
        instructor_id=line.instructor_id if share else None,
        available_at=available_at if share else None,
        instructor_amount=share,
        platform_amount=line.net_amount - share,
        tax_amount=line.tax_amount,
    )


def _divide_line(line: LineShares) -> list[Part]:
    earned = Part(
        account=Account.INSTRUCTOR,
        amount=line.instructor_amount,
        instructor_id=line.instructor_id,
        available_at=line.available_at,
    )
    parts = [
        earned,
        Part(account=Account.PLATFORM, amount=line.platform_amount),
        Part(account=Account.TAX, amount=line.tax_amount),
        Part(account=Account.BUYERS, amount=line.buyer_amount),
    ]
    return [replace(part, order_item_id=line.order_item_id) for part in parts]


def take_back(
    *, held: Sequence[Part], named: Mapping[uuid.UUID, Decimal], rest: Decimal
) -> list[Part]:
    """Return who gives back `named` (by order line) and `rest` (of no certain line).

    A named line gives first, as far as it holds anything; the rest, and what a named line no longer
    has, is given by all in proportion to what they hold then. Within a line its accounts give in
    proportion to what they hold, to the cent by the largest remainder. What nobody holds any more
    is the platform's loss: the one part without an order line whose account is the platform.
    """
    by_line: dict[uuid.UUID | None, list[Part]] = defaultdict(list)
    for part in held:
        by_line[part.order_item_id].append(part)
    left = {item: sum((part.amount for part in parts), ZERO) for item, parts in by_line.items()}
    taken = {item: min(named.get(item, ZERO) if item else ZERO, has) for item, has in left.items()}
    open_amount = sum(named.values(), rest) - sum(taken.values(), ZERO)
    shared = min(open_amount, sum(left.values(), ZERO) - sum(taken.values(), ZERO))
    if shared > 0:
        weights = [left[item] - taken[item] for item in left]
        for item, amount in zip(left, share_out(amount=shared, weights=weights), strict=True):
            taken[item] += amount
    parts = [part for item, amount in taken.items() for part in _give(by_line[item], amount)]
    if open_amount > shared:
        parts.append(Part(account=Account.PLATFORM, amount=open_amount - shared))
    return parts


def _give(parts: Sequence[Part], amount: Decimal) -> list[Part]:
    if amount == 0:
        return []
    amounts = share_out(amount=amount, weights=[part.amount for part in parts])
    return [
        replace(part, amount=given) for part, given in zip(parts, amounts, strict=True) if given > 0
    ]
