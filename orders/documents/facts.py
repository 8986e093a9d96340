"""What a document states."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a document is, as its heading says."""

    RECEIPT = "Receipt"
    CREDIT_NOTE = "Credit note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who sells or who buys: a name, the lines of an address, and perhaps a tax number."""

    name: str
    address: tuple[str, ...] = ()
    tax_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLine:
    """A line of the table, in major units. `discount` was taken off `price`, which gives `amount`;
    where there is only an amount to tell, the other two are None."""

    title: str
    amount: Decimal
    price: Decimal | None = None
    discount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A line below the table, such as a tax; in major units."""

    label: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts:
    """All that a receipt or a credit note states. `total` is the last of the sums, set in bold;
    `notes` stand below: how it was paid, what it is for."""

    kind: Kind
    number: str
    issued_on: dt.date
    seller: Party
    buyer: Party
    references: tuple[tuple[str, str], ...]
    lines: tuple[DocumentLine, ...]
    sums: tuple[Sum, ...]
    total: Sum
    currency: str
    notes: tuple[str, ...] = ()
    # Why it is void; "" for one that isn't.
    void: str = ""


def read_seller(seller: Mapping[str, str]) -> Party:
    """Return the seller as an invoice keeps them."""
    return Party(
        name=seller.get("name") or "LearnFlow",
        address=tuple(seller.get("address", "").splitlines()),
        tax_id=seller.get("tax_id", ""),
    )


def read_buyer(address: Mapping[str, Any]) -> Party:
    """Return the buyer as the billing address names them (plan 4.5)."""

    def joined(*names: str) -> str:
        return " ".join(str(address.get(name) or "") for name in names).strip()

    return Party(
        name=joined("first_name", "last_name"),
        address=(
            joined("address_line1"),
            joined("address_line2"),
            joined("postal_code", "city", "state"),
            joined("country"),
            joined("email"),
        ),
    )


def name_tax(tax: Mapping[str, Any]) -> str:
    """Return a tax of an order or invoice as a reader knows it, e.g. "Tax DE (19 %)"."""
    percent = f"{Decimal(tax['rate']).normalize():f}"
    return f"{tax['name']} ({percent} %)"
