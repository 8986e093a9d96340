"""Receipts and credit notes as PDF: pure functions of what was frozen when they were numbered."""

from orders.documents.facts import DocumentFacts, DocumentLine, Kind, Party, Sum
from orders.documents.pdf import render_document
from orders.documents.printable import find_unprintable

__all__ = [
    "DocumentFacts",
    "DocumentLine",
    "Kind",
    "Party",
    "Sum",
    "find_unprintable",
    "render_document",
]
