"""Receipts and credit notes as PDF: pure functions of what was frozen when they were numbered."""

from orders.documents.facts import DocumentFacts, DocumentLine, Kind, Party, Sum
from orders.documents.pdf import render_document

__all__ = ["DocumentFacts", "DocumentLine", "Kind", "Party", "Sum", "render_document"]
