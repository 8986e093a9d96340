"""Nobody finds coupon codes by trying them out."""

import contextlib
import uuid
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import attempts
from core.errors import TooMany
from orders.coupon_rules import Refusal
from orders.errors import CouponInvalid
from users.authentication import current_user_id

# Codes that an instructor may make up for each that a buyer may guess.
_MADE_UP_PER_GUESS = 5


def count_made_up_code(*, instructor_id: uuid.UUID) -> None:
    """Count a code that an instructor gives a new coupon: whether it was free or taken tells what a
    guess tells. Raises TooMany beyond five times THROTTLE_COUPON."""
    subject = f"made-up:{instructor_id}"
    limit = attempts.limit(scope="coupon", subject=subject, factor=_MADE_UP_PER_GUESS)
    if limit is not None:
        limit.count()


class LimitedGuessesMixin(APIView):
    """A view whose body may name a coupon, in the field `code_field`.

    Who named as many codes that don't exist as THROTTLE_COUPON allows can name no more for a while:
    429 `RATE_LIMITED`. Without a code nothing is refused or counted. It counts outside of
    transactions, as it asks Redis; when that is down, nothing is counted.
    """

    code_field = "code"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a code from who guessed too often, before any work."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and self._names_code(request):
            limit = self._limit(request)
            if limit is not None:
                limit.check()

    def handle_exception(self, exc: Exception) -> Response:
        """Count a code that doesn't exist."""
        is_guess = isinstance(exc, CouponInvalid) and exc.details["reason"] == Refusal.UNKNOWN
        if is_guess and self._names_code(self.request):
            limit = self._limit(self.request)
            if limit is not None:
                with contextlib.suppress(TooMany):
                    limit.count()
        return super().handle_exception(exc)

    def _names_code(self, request: Request) -> bool:
        return isinstance(request.data, dict) and bool(request.data.get(self.code_field))

    def _limit(self, request: Request) -> attempts.Limit | None:
        return attempts.limit(scope="coupon", subject=str(current_user_id(request)))
