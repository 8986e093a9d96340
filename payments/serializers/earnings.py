"""Bodies and answers of the endpoints about earnings and payouts."""

import datetime as dt
import re
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from core.countries import is_country
from core.serializers import ApiSerializer, ClosedSerializer, MoneyField
from payments.models import Payout, PayoutAccount
from payments.selectors.earnings import ENTRY_KINDS

_MONTH = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])")


class EarningsCourseSerializer(ApiSerializer):
    """A course: of a movement under the title it was sold by, of a sum under today's."""

    id = serializers.UUIDField()
    title = serializers.CharField()


class CourseEarningsSerializer(ApiSerializer):
    """What one course brought its instructor."""

    course = EarningsCourseSerializer()
    sales = serializers.IntegerField()
    earned = MoneyField(max_digits=12)
    returned = MoneyField(max_digits=12, help_text="By refunds and disputes.")
    net = MoneyField(max_digits=12)


class EarningsSerializer(ApiSerializer):
    """An instructor's balances; `lifetime` is the sum of the other four."""

    currency = serializers.CharField()
    payouts_enabled = serializers.BooleanField()
    pending = MoneyField(max_digits=12, help_text="Earned, and held back for refunds yet.")
    available = MoneyField(max_digits=12, help_text="Paid next; below zero it is carried forward.")
    in_transit = MoneyField(max_digits=12)
    paid_out = MoneyField(max_digits=12)
    lifetime = MoneyField(max_digits=12)
    courses = CourseEarningsSerializer(many=True)


class EarningsEntrySerializer(ApiSerializer):
    """One movement of an instructor's money."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(
        choices=ENTRY_KINDS,
        help_text="`payout_failed` never left, `payout_returned` was taken back after it was paid.",
    )
    occurred_at = serializers.DateTimeField()
    available_at = serializers.DateTimeField()
    amount = MoneyField(max_digits=12, help_text="Below zero: it went back, or was paid out.")
    currency = serializers.CharField()
    order_number = serializers.CharField(allow_null=True)
    course = EarningsCourseSerializer(allow_null=True)


class PayoutSerializer(ApiSerializer):
    """Money on its way to an instructor, or there."""

    id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    amount = MoneyField()
    returned_amount = MoneyField(help_text="Taken back after it was paid, and owed again.")
    currency = serializers.CharField()
    status = serializers.ChoiceField(choices=Payout.Status.choices)
    paid_at = serializers.DateTimeField(allow_null=True)


class PayoutAccountSerializer(ApiSerializer):
    """How far the instructor's account at Stripe is."""

    payouts_enabled = serializers.BooleanField()
    exists = serializers.BooleanField()
    details_submitted = serializers.BooleanField()
    is_ready = serializers.BooleanField()
    trouble = serializers.ChoiceField(
        choices=PayoutAccount.Trouble.choices,
        allow_null=True,
        help_text="Why it isn't paid any more: `restricted` wants something more of its owner, "
        "`rejected` and `gone` need another account. Either way by setting it up again.",
    )


class StartOnboardingSerializer(ClosedSerializer):
    """Where the instructor lives: the account is opened there, and stays there."""

    country = serializers.CharField(
        required=False, default="", help_text="Left out: the platform's own."
    )

    def validate_country(self, value: str) -> str:
        if value and not is_country(value):
            raise serializers.ValidationError("Two capital letters of a country (ISO 3166-1).")
        return value


class OnboardingSerializer(ApiSerializer):
    """Stripe's page for the instructor's details; it works once, for some minutes."""

    url = serializers.URLField()


class StatementQuerySerializer(ApiSerializer):
    """Which month; the one under way where none is named."""

    month = serializers.CharField(required=False, help_text="`YYYY-MM`, in UTC.")

    def validate_month(self, value: str) -> dt.datetime:
        if not _MONTH.fullmatch(value):
            raise serializers.ValidationError("Must be a month such as 2026-03.")
        return dt.datetime(int(value[:4]), int(value[5:]), 1, tzinfo=dt.UTC)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now().astimezone(dt.UTC)
        first = attrs.get("month") or dt.datetime(now.year, now.month, 1, tzinfo=dt.UTC)
        years, months = divmod(first.month, 12)
        after = first.replace(year=first.year + years, month=months + 1)
        return {"first": first, "after": after}
