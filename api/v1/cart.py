"""The cart as a whole, with its coupon: lines from the cart, the coupon from the orders (plan 4.4,
contract "Reviews, wishlist, cart")."""

from dataclasses import asdict

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cart import services as cart_services
from cart.examples import COURSE_ID, LINE
from cart.selectors import OpenCart
from cart.serializers import CartSerializer, LineSerializer, MergeSerializer, SkippedSerializer
from core.serializers import ApiSerializer, ClosedSerializer, MoneyField
from orders import selectors as order_selectors
from orders import services as order_services
from orders.coupon_rules import Refusal
from orders.selectors import PricedCartRow
from orders.views.guessing import LimitedGuessesMixin
from users.authentication import current_user_id


class ApplyCouponSerializer(ClosedSerializer):
    """Which coupon."""

    code = serializers.CharField(max_length=50, help_text="In upper or lower case.")


class PricedLineSerializer(LineSerializer):
    """A line of the cart."""

    discount_amount = MoneyField(help_text="What the coupon takes off this line.")


class CartCouponSerializer(ApiSerializer):
    """The cart's coupon."""

    code = serializers.CharField()
    valid = serializers.BooleanField(help_text="Whether it applies to the cart as it is now.")
    reason = serializers.ChoiceField(
        choices=[(refusal.value, refusal.value) for refusal in Refusal],
        allow_null=True,
        help_text="Why it doesn't. Ordering answers 422 `COUPON_INVALID` until it is taken off.",
    )
    percent_off = serializers.IntegerField(allow_null=True)
    amount_off = MoneyField(allow_null=True)
    discount_amount = MoneyField(help_text="What it takes off in all; the lines' add up to it.")


class PricedCartSerializer(CartSerializer):
    """A cart at today's prices, with its coupon."""

    items = PricedLineSerializer(many=True)
    coupon = CartCouponSerializer(allow_null=True)
    discount_amount = MoneyField(help_text="What the coupon takes off.")
    total_amount = MoneyField(
        help_text="`total_price` less `discount_amount`, before tax: that follows from the billing "
        "address, when it is ordered."
    )


class MergedCartSerializer(PricedCartSerializer):
    """The cart after a merge, and what became of each course."""

    added = serializers.ListField(child=serializers.UUIDField())
    skipped = SkippedSerializer(many=True)


_CART = {
    "id": "019b76da-f00d-7a1b-8c2d-4e5f6a7b8c9d",
    "items": [{**LINE, "discount_amount": 9.0}],
    "total_items": 1,
    "total_price": 89.99,
    "total_original_price": 129.99,
    "total_discount": 40.0,
    "currency": "usd",
    "coupon": {
        "code": "SPRING10",
        "valid": True,
        "reason": None,
        "percent_off": 10,
        "amount_off": None,
        "discount_amount": 9.0,
    },
    "discount_amount": 9.0,
    "total_amount": 80.99,
}
_MERGED = {
    **_CART,
    "added": [COURSE_ID],
    "skipped": [
        {"course_id": "019b76dc-0a1b-7c2d-8e3f-4a5b6c7d8e9f", "reason": "ALREADY_ENROLLED"}
    ],
}


class CartView(APIView):
    """The person's one cart."""

    @extend_schema(
        operation_id="cart_retrieve",
        tags=["Cart"],
        summary="The cart",
        description=(
            "The cart at today's prices. A line that can't be bought any more stays, with "
            "`available: false` and its reason, and counts in no price; ordering answers 409 until "
            "it is taken out. The coupon is judged anew each time: one that doesn't apply stays, "
            "with `valid: false` and its reason, and takes nothing off."
        ),
        responses={200: PricedCartSerializer},
        examples=[OpenApiExample("A cart", value=_CART, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        cart = cart_services.open_cart(user_id=current_user_id(request))
        return Response(_show(request, cart))

    @extend_schema(
        operation_id="cart_clear",
        tags=["Cart"],
        summary="Empty the cart",
        description="Takes every line out, and the coupon off. An empty cart is fine.",
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        cart_services.clear_cart(user_id=current_user_id(request))
        return Response(status=204)


class CartMergeView(APIView):
    """A guest's cart after login."""

    @extend_schema(
        operation_id="cart_merge",
        tags=["Cart"],
        summary="Take in a guest's cart",
        description=(
            "Adds up to 100 courses at once. What can't be added is skipped and named with a "
            "reason: the code that adding it alone would answer, or `ALREADY_IN_CART`. Merging the "
            "same list again changes nothing."
        ),
        request=MergeSerializer,
        responses={200: MergedCartSerializer},
        examples=[
            OpenApiExample("A guest's cart", value={"course_ids": [COURSE_ID]}, request_only=True),
            OpenApiExample("Merged", value=_MERGED, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        body = MergeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = cart_services.merge_cart(user_id=current_user_id(request), **body.validated_data)
        skipped = [asdict(one) for one in outcome.skipped]
        cart = _show(request, outcome.cart)
        return Response({**cart, "added": outcome.added, "skipped": skipped})


class CartCouponView(LimitedGuessesMixin, APIView):
    """The cart's coupon."""

    @extend_schema(
        operation_id="cart_coupon_apply",
        tags=["Cart"],
        summary="Put a coupon on the cart",
        description=(
            "Answers the cart with the coupon applied. It takes the place of the one before: there "
            "is one coupon an order. Nothing is reserved by it; a coupon with a limit is taken "
            "when the order is made. Who names too many codes that don't exist, here or when "
            "ordering, gets 429 for a while."
        ),
        request=ApplyCouponSerializer,
        responses={
            200: PricedCartSerializer,
            422: OpenApiResponse(
                description="`COUPON_INVALID`, with a `reason` in the details: "
                + ", ".join(f"`{refusal.value}`" for refusal in Refusal)
                + ". The cart keeps the coupon it had."
            ),
        },
        examples=[
            OpenApiExample("A code", value={"code": "spring10"}, request_only=True),
            OpenApiExample("The cart", value=_CART, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        body = ApplyCouponSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        cart = order_services.apply_coupon(user_id=current_user_id(request), **body.validated_data)
        return Response(_show(request, cart))

    @extend_schema(
        operation_id="cart_coupon_remove",
        tags=["Cart"],
        summary="Take the coupon off the cart",
        description="A cart without a coupon is fine.",
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        cart_services.drop_coupon(user_id=current_user_id(request))
        return Response(status=204)


def _show(request: Request, cart: OpenCart) -> PricedCartRow:
    return order_selectors.get_priced_cart(cart=cart, user_id=current_user_id(request))
