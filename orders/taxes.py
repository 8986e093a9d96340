"""Tax: which rates apply is a rule's to say, the arithmetic is the same for every rule.

The setting `TAX_RULE` names the rule by its dotted path: `orders.taxes.no_tax` (the default),
`orders.taxes.rate_by_country`, or a function of the operator's own that keeps to `TaxRule`.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from core.countries import all_countries, is_country
from core.money import CENT, ZERO
from orders.errors import BillingCountryRequired
from orders.pricing import percent_of, share_out


@dataclass(frozen=True, kw_only=True)
class TaxRate:
    """A tax that is due. `percent` is of the net amount: 19 is 19 %."""

    name: str
    percent: Decimal


class TaxRule(Protocol):
    """Says which taxes a sale to this country bears.

    `country` is what the billing address says, "" without one. A rule that can't decide by it
    raises BillingCountryRequired. It reads no database and asks nobody: it runs under locks.
    """

    def __call__(self, *, country: str) -> Sequence[TaxRate]: ...


@dataclass(frozen=True, kw_only=True)
class TaxLine:
    """What one tax comes to. `rate` is in percent."""

    name: str
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Tax:
    """The taxes of an order, and each line's share of all of them; both add up to `amount`."""

    lines: tuple[TaxLine, ...]
    shares: tuple[Decimal, ...]

    @property
    def amount(self) -> Decimal:
        """All of the tax, in major units."""
        return sum((line.amount for line in self.lines), start=ZERO)


def no_tax(*, country: str) -> Sequence[TaxRate]:
    """Whoever sells here owes no tax, or has it in the prices."""
    return ()


def rate_by_country(*, country: str) -> Sequence[TaxRate]:
    """One rate for each country, from the setting `TAX_RATES`; none for a country not in it.

    Needs the country as a two-letter code (ISO 3166-1) that there is: "Germany", or a country made
    up, would silently be untaxed where "DE" isn't. Raises BillingCountryRequired.
    """
    code = country.strip().upper()
    if not is_country(code):
        raise BillingCountryRequired
    percent = settings.TAX_RATES.get(code)
    return (TaxRate(name=f"Tax {code}", percent=Decimal(percent)),) if percent else ()


def check_rates() -> None:
    """Raise ValueError unless `TAX_RATES` has percentages of countries that there are: no sale
    would ever bear another one."""
    for code, percent in settings.TAX_RATES.items():
        if not is_country(code):
            raise ValueError(f"{code!r} is no country's two-letter code (ISO 3166-1)")
        if not 0 <= percent <= 100:
            raise ValueError(f"{percent} is no percentage")


def load_rule() -> TaxRule:
    """Return the rule in force. Raises ImportError when the setting names none."""
    rule: TaxRule = import_string(settings.TAX_RULE)
    return rule


def highest_net(*, total: Decimal) -> Decimal:
    """Return the highest price that comes to no more than `total` with its taxes, whichever country
    it is sold to."""
    return min(_net_within(total, rates) for rates in _rates_everywhere())


def _rates_everywhere() -> set[tuple[TaxRate, ...]]:
    rule = load_rule()
    found: set[tuple[TaxRate, ...]] = {()}
    for country in ("", *all_countries()):
        with suppress(BillingCountryRequired):
            found.add(tuple(rule(country=country)))
    return found


def _net_within(total: Decimal, rates: Sequence[TaxRate]) -> Decimal:
    percent = sum((rate.percent for rate in rates), start=ZERO)
    net = (total / (1 + percent / 100)).quantize(CENT, rounding=ROUND_DOWN)
    # Each tax is rounded by itself, to a cent more maybe.
    while net + sum(percent_of(net, rate.percent) for rate in rates) > total:
        net -= CENT
    return net


def tax_lines(*, net_amounts: Sequence[Decimal], country: str) -> Tax:
    """Return the tax on an order whose lines come to these amounts, their discounts taken off.

    Each tax is reckoned on the whole, halves of a cent rounded up, and shared out over the lines by
    the largest-remainder method. What costs nothing bears no tax, wherever it goes to. Raises
    BillingCountryRequired when the rule needs a country.
    """
    net = sum(net_amounts, start=ZERO)
    rates = load_rule()(country=country) if net > ZERO else ()
    lines = tuple(
        TaxLine(name=rate.name, rate=rate.percent, amount=percent_of(net, rate.percent))
        for rate in rates
    )
    shares = [ZERO] * len(net_amounts)
    for line in lines:
        parts = share_out(amount=line.amount, weights=net_amounts)
        shares = [share + part for share, part in zip(shares, parts, strict=True)]
    return Tax(lines=lines, shares=tuple(shares))
