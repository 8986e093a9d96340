"""What an order would come to: prices, discounts and taxes of its lines, to the cent."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.money import LARGEST_AMOUNT, ZERO, maximum_charge, minimum_charge
from courses.selectors import CourseForSale
from orders.taxes import TaxLine, tax_lines


@dataclass(frozen=True, kw_only=True)
class QuotedLine:
    """A course, what is taken off its price, and the tax on the rest."""

    course: CourseForSale
    discount: Decimal
    tax: Decimal


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The lines of an order and their sums, in major units."""

    lines: tuple[QuotedLine, ...]
    tax_lines: tuple[TaxLine, ...]

    @property
    def subtotal(self) -> Decimal:
        """The prices together."""
        return sum((line.course.price for line in self.lines), start=ZERO)

    @property
    def discount(self) -> Decimal:
        """What is taken off."""
        return sum((line.discount for line in self.lines), start=ZERO)

    @property
    def tax(self) -> Decimal:
        """What comes on top."""
        return sum((line.tax for line in self.lines), start=ZERO)

    @property
    def total(self) -> Decimal:
        """What is to be paid."""
        return self.subtotal - self.discount + self.tax


def make_quote(
    *, courses: Sequence[CourseForSale], discounts: Mapping[uuid.UUID, Decimal], country: str
) -> Quote:
    """Return what these courses come to with these discounts, by course, for a buyer in this
    country. Raises BillingCountryRequired when the tax rule needs to know it."""
    taken_off = [discounts.get(course.id, ZERO) for course in courses]
    net = [course.price - off for course, off in zip(courses, taken_off, strict=True)]
    tax = tax_lines(net_amounts=net, country=country)
    lines = (
        QuotedLine(course=course, discount=off, tax=share)
        for course, off, share in zip(courses, taken_off, tax.shares, strict=True)
    )
    return Quote(lines=tuple(lines), tax_lines=tax.lines)


def is_too_large(quote: Quote) -> bool:
    """Whether an order of this quote costs more than can be charged at once, with its tax, or has
    lines that add up to more than can be written down."""
    return quote.total > maximum_charge() or quote.subtotal > LARGEST_AMOUNT


def is_chargeable(net_amount: Decimal) -> bool:
    """Whether an order of this amount, before tax, can be paid: it costs nothing, or at least what
    can be charged. Tax isn't counted in, so that the cart, which knows no country, says the
    same as the order."""
    return net_amount == ZERO or net_amount >= minimum_charge()
