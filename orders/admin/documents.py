"""Invoices and credit notes, for accounting."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from core.admin import ReadOnlyAdmin, ReadOnlyInline, money_column, text_lines
from orders import selectors
from orders.admin.wording import (
    describe_lines,
    describe_party,
    describe_taxes,
)
from orders.documents.facts import read_buyer, read_seller
from orders.errors import DocumentHeldBack
from orders.models import CreditNote, Invoice


class DocumentAdmin(ReadOnlyAdmin):
    """Numbered documents, with their PDF."""

    total = money_column("total_amount")
    tax = money_column("tax_amount")
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        """Add the PDF's address to the usual ones."""
        name = f"orders_{self.opts.model_name}_pdf"
        view = self.admin_site.admin_view(self.download)
        return [path("<uuid:document_id>/pdf/", view, name=name), *super().get_urls()]

    def download(self, request: HttpRequest, document_id: uuid.UUID) -> HttpResponse:
        """Answer with the document. 403 without the right to see it, 404 for an unknown one."""
        document = self.get_object(request, str(document_id))
        if document is None:
            raise Http404
        if not self.has_view_permission(request, document):
            raise PermissionDenied
        try:
            name, content = self.draw(document)
        except DocumentHeldBack:
            self.message_user(request, self.pdf(document), messages.ERROR)
            return HttpResponseRedirect(
                reverse(f"admin:orders_{self.opts.model_name}_change", args=[document.id])
            )
        response = HttpResponse(content, content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="{name}"'
        return response

    def draw(self, document: Any) -> tuple[str, bytes]:
        """Return a file name and the PDF."""
        raise NotImplementedError

    @admin.display(description="PDF")
    def pdf(self, document: Any) -> str:
        """The way to the PDF, or why it is held back."""
        if characters := selectors.explain_held(document=document):
            return f"{document.number} is held back: no font has {', '.join(characters)}"
        address = reverse(f"admin:orders_{self.opts.model_name}_pdf", args=[document.id])
        return format_html('<a href="{}">{}</a>', address, f"{document.number}.pdf")


class CreditNoteInline(ReadOnlyInline):
    """What refunds and lost disputes took off the invoice."""

    model = CreditNote
    fields = ("issued_at", "total_amount", "tax_amount", "voided_at")
    readonly_fields = fields
    show_change_link = True


@admin.register(Invoice)
class InvoiceAdmin(DocumentAdmin):
    """Invoices, for accounting."""

    list_display = (
        "number", "issued_at", "order", "total", "tax",
        "pdf",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("number", "pdf", "order", "issued_at")}),
        ("Amounts", {"fields": ("titles", "taxes", "total")}),
        ("Parties", {"fields": ("sold_by", "address")}),
    )
    list_filter = ("issued_at",)
    list_select_related = ("order",)
    search_fields = ("number", "order__order_number", "order__user__email")
    date_hierarchy = "issued_at"
    inlines = (CreditNoteInline,)

    @admin.display(description="Courses")
    def titles(self, invoice: Invoice) -> str:
        """Each course with what it cost."""
        return text_lines(describe_lines(invoice.lines, invoice.currency))

    @admin.display(description="Tax")
    def taxes(self, invoice: Invoice) -> str:
        """Each tax by its name and rate."""
        return text_lines(describe_taxes(invoice.tax_lines, invoice.currency))

    @admin.display(description="Buyer")
    def address(self, invoice: Invoice) -> str:
        """As on an envelope, with the mail address."""
        return text_lines(describe_party(read_buyer(invoice.billing_address)))

    @admin.display(description="Seller")
    def sold_by(self, invoice: Invoice) -> str:
        """As the settings said when it was numbered."""
        return text_lines(describe_party(read_seller(invoice.seller)))

    def draw(self, document: Invoice) -> tuple[str, bytes]:
        """The receipt."""
        return selectors.get_receipt(order_id=document.order_id, user_id=None)


@admin.register(CreditNote)
class CreditNoteAdmin(DocumentAdmin):
    """Credit notes, for accounting: one for each refund, and for each dispute that was lost."""

    list_display = (
        "number", "issued_at", "invoice", "total", "tax",
        "voided_at", "pdf",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("number", "pdf", "invoice", "issued_at", "voided_at")}),
        (
            "Amounts",
            {"fields": ("titles", "tax", "total")},
        ),
    )
    list_filter = (("voided_at", admin.EmptyFieldListFilter), "issued_at")
    list_select_related = ("invoice__order",)
    search_fields = ("number", "invoice__number", "invoice__order__order_number")
    date_hierarchy = "issued_at"

    @admin.display(description="Courses")
    def titles(self, note: CreditNote) -> str:
        """Each course with what came back of it."""
        return text_lines(describe_lines(note.lines, note.currency))

    def draw(self, document: CreditNote) -> tuple[str, bytes]:
        """The credit note."""
        return selectors.get_credit_note(
            order_id=document.invoice.order_id, number=document.number, user_id=None
        )
