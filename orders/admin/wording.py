"""What is kept as JSON, in words."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from core.money import money_text
from orders.documents.facts import Party, name_tax


def describe_taxes(taxes: Iterable[Mapping[str, Any]], currency: str) -> Iterator[str]:
    """Name, rate and amount of each tax of an order or invoice."""
    for tax in taxes:
        yield f"{name_tax(tax)}: {money_text(Decimal(tax['amount']), currency)}"


def describe_lines(lines: Iterable[Mapping[str, Any]], currency: str) -> Iterator[str]:
    """Title and amount of each line of an invoice or credit note."""
    for line in lines:
        yield f"{line['title']}: {money_text(Decimal(line['amount']), currency)}"


def describe_party(party: Party) -> Iterator[str]:
    """Who sells or buys, as on an envelope."""
    yield from (party.name, *party.address, party.tax_id)
