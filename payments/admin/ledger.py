"""The ledger, payouts and shares, for staff. Only shares are typed in."""

from typing import Any

from django.contrib import admin
from django.db.models import Field, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse

from core.admin import ReadOnlyAdmin, ReadOnlyInline, StaffAdmin, money_column
from core.admin.growing import MOST_COUNTED
from core.money import ZERO, money_text
from payments.models import (
    BankPayoutFailure,
    LedgerEntry,
    LedgerTransaction,
    Payout,
    PayoutAccount,
    RevenueShare,
)
from payments.selectors.payouts import with_returned


class LedgerEntryInline(ReadOnlyInline):
    """The sides of a movement."""

    model = LedgerEntry
    fields = ("account", "instructor", "order_item", "amount", "available_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerEntry]:
        entries: QuerySet[LedgerEntry] = super().get_queryset(request)
        return entries.select_related("instructor", "order_item")


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(ReadOnlyAdmin):
    """Each movement of money. It is corrected by another movement, never by a change."""

    list_display = ("occurred_at", "kind", "moved", "order", "reference")
    list_filter = ("kind",)
    list_select_related = ("payment__order",)
    search_fields = ("reference", "payment__stripe_payment_id", "payment__order__order_number")
    search_help_text = "Reference, payment intent or order number"
    date_hierarchy = "occurred_at"
    show_full_result_count = False
    inlines = (LedgerEntryInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerTransaction]:
        """With what each moved: the sum of its debits."""
        debits = (
            LedgerEntry.objects.filter(transaction=OuterRef("pk"), amount__gt=0)
            .order_by()
            .values("transaction")
            .values(total=Sum("amount"))
        )
        movements: QuerySet[LedgerTransaction] = super().get_queryset(request)
        return movements.annotate(debits=Subquery(debits))

    @admin.display(description="Amount")
    def moved(self, movement: LedgerTransaction) -> str:
        return money_text(getattr(movement, "debits", None) or ZERO, movement.currency)

    @admin.display(ordering="payment__order__order_number")
    def order(self, movement: LedgerTransaction) -> str:
        return movement.payment.order.order_number if movement.payment else "-"


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """The sides of all movements; above the list the balances of what is filtered, unless that is
    more than can be added up while somebody waits."""

    change_list_template = "admin/payments/ledgerentry/change_list.html"
    list_display = ("transaction", "account", "instructor", "order_item", "amount", "available_at")
    list_filter = ("account",)
    list_select_related = ("transaction", "instructor", "order_item")
    search_fields = ("instructor__email", "transaction__reference")
    ordering = ("-id",)
    show_full_result_count = False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if context and "cl" in context and context["cl"].result_count <= MOST_COUNTED:
            context["balances"] = list(
                context["cl"]
                .queryset.order_by()
                .values("transaction__currency", "account")
                .annotate(total=Sum("amount"))
                .order_by("transaction__currency", "account")
            )
        return response


class PayoutTroubleFilter(admin.SimpleListFilter):
    """Payouts that staff should look at."""

    title = "trouble"
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "Failed, or tried in vain")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payout]) -> QuerySet[Payout] | None:
        return queryset.exclude(last_error="") if self.value() == "yes" else queryset


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    """Money that went to instructors or is about to."""

    list_display = (
        "created_at", "instructor", "account", "money", "returned", "status", "paid_at",
        "attempts", "last_error",
    )  # fmt: skip
    readonly_fields = ("returned",)
    list_filter = (PayoutTroubleFilter, "status")
    list_select_related = ("account__instructor",)
    search_fields = ("stripe_transfer_id", "account__instructor__email")
    date_hierarchy = "created_at"
    show_full_result_count = False

    money = money_column("amount")
    returned = money_column("returned_amount")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payout]:
        return with_returned(super().get_queryset(request))

    @admin.display(ordering="account__instructor__email")
    def instructor(self, payout: Payout) -> str:
        return payout.account.instructor.email


@admin.register(PayoutAccount)
class PayoutAccountAdmin(ReadOnlyAdmin):
    """Instructors' accounts at Stripe."""

    list_display = (
        "instructor", "stripe_account_id", "is_ready", "trouble", "is_foreign", "details_submitted",
        "synced_at",
    )  # fmt: skip
    list_filter = ("is_ready", "trouble", "is_foreign", "details_submitted")
    list_select_related = ("instructor",)
    search_fields = ("instructor__email", "stripe_account_id")


@admin.register(BankPayoutFailure)
class BankPayoutFailureAdmin(ReadOnlyAdmin):
    """What instructors' banks refused. The money is in their accounts at Stripe."""

    list_display = ("created_at", "account", "stripe_payout_id", "reason")
    list_filter = ("reason",)
    list_select_related = ("account",)
    search_fields = ("account__instructor__email", "stripe_payout_id")


@admin.register(RevenueShare)
class RevenueShareAdmin(StaffAdmin):
    """Courses whose instructor has another share than the ordinary one; for sales to come."""

    list_display = ("course", "percent", "updated_at")
    list_select_related = ("course",)
    search_fields = ("course__title",)
    autocomplete_fields = ("course",)

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "percent":
            kwargs["max_value"] = 100
        return super().formfield_for_dbfield(db_field, request, **kwargs)
