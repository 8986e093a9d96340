"""What a document states."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


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
    is_void: bool = False
