"""Bodies and shapes of cart and wishlist (plan 4.4, contract "Reviews, wishlist, cart")."""

from rest_framework import serializers

from cart.selectors import Obstacle
from cart.services import MAX_LINES
from core.serializers import ApiSerializer, ClosedSerializer, IdItemField, MoneyField


class AddCourseSerializer(ClosedSerializer):
    """Which course."""

    course_id = serializers.UUIDField()


class MergeSerializer(ClosedSerializer):
    """A guest's cart, as the SPA kept it."""

    course_ids = serializers.ListField(child=IdItemField(), max_length=MAX_LINES)


class CourseInCartSerializer(ApiSerializer):
    """A course at today's price."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    slug = serializers.SlugField()
    price = MoneyField()
    original_price = MoneyField(allow_null=True)
    thumbnail = serializers.URLField(allow_null=True)


class LineSerializer(ApiSerializer):
    """A line of a cart or a wishlist."""

    id = serializers.UUIDField()
    course = CourseInCartSerializer()
    added_at = serializers.DateTimeField()
    available = serializers.BooleanField(help_text="Whether this person can buy it now.")
    unavailable_reason = serializers.ChoiceField(
        choices=[(obstacle.value, obstacle.value) for obstacle in Obstacle], allow_null=True
    )


class CartSerializer(ApiSerializer):
    """A cart at today's prices, without its coupon."""

    id = serializers.UUIDField()
    items = LineSerializer(many=True)
    total_items = serializers.IntegerField(help_text="All lines, unavailable ones included.")
    total_price = MoneyField(help_text="Of the available lines.")
    total_original_price = MoneyField(help_text="Of the available lines, before discounts.")
    total_discount = MoneyField(help_text="The difference of the two.")
    currency = serializers.CharField(help_text="ISO 4217, lower case.")


class SkippedSerializer(ApiSerializer):
    """A course that wasn't taken in."""

    course_id = serializers.UUIDField()
    reason = serializers.CharField(
        help_text="COURSE_NOT_FOUND, ALREADY_ENROLLED, OWN_COURSE, ACCESS_WITHDRAWN, "
        "PAYMENT_IN_PROGRESS, ALREADY_IN_CART or CART_FULL."
    )
