"""Bodies and shapes of instructors' coupons."""

import datetime as dt
import re
import uuid
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.serializers import ApiSerializer, ClosedSerializer, MoneyField
from courses import selectors as course_selectors
from courses.errors import CategoryNotFound
from orders.coupon_terms import BOUNDS, CODE_PATTERN, CODE_WORDS, FIRST_OF_DAY, LAST_OF_DAY

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})", re.ASCII
)


@extend_schema_field(OpenApiTypes.STR)
class CategoryReferenceField(serializers.CharField):
    """A category by slug or id; becomes its id."""

    def to_internal_value(self, data: Any) -> uuid.UUID:  # type: ignore[override]
        try:
            return course_selectors.find_category_id(reference=super().to_internal_value(data))
        except CategoryNotFound:
            raise serializers.ValidationError("There is no such category.", "unknown") from None


class CodeField(serializers.RegexField):
    """A coupon's code, as somebody types it in; becomes the code as it is stored."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(CODE_PATTERN, error_messages={"invalid": f"{CODE_WORDS}."}, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).upper()


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(serializers.DateTimeField):
    """A time with its offset, or a day as `YYYY-MM-DD`, which stands for one of its seconds in UTC;
    no other way to write either."""

    def __init__(self, *, of_a_day: dt.time, **kwargs: Any) -> None:
        self.of_a_day = of_a_day
        super().__init__(**kwargs)

    def to_internal_value(self, value: Any) -> dt.datetime:
        text = str(value)
        if _DAY.fullmatch(text):
            try:
                day = dt.date.fromisoformat(text)
            except ValueError:
                self.fail("invalid", format="YYYY-MM-DD")
            return dt.datetime.combine(day, self.of_a_day, dt.UTC)
        if not _MOMENT.fullmatch(text):
            self.fail("invalid", format="YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss with Z or an offset")
        return super().to_internal_value(text)


class CouponTermsSerializer(ClosedSerializer):
    """What a coupon takes off, of what, when, and how often; all of it can be changed."""

    # Not `course`: who sends an id by that name means `course_id`, and were it ignored, the coupon
    # would be one for every course.
    shown = frozenset({"id", "redemptions", "created_at"})
    percent_off = serializers.IntegerField(**BOUNDS["percent_off"], required=False, allow_null=True)
    amount_off = MoneyField(
        **BOUNDS["amount_off"],
        required=False,
        allow_null=True,
        help_text="Either this or percent_off.",
    )
    course_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="One of one's own courses."
    )
    category = CategoryReferenceField(
        source="category_id",
        required=False,
        allow_null=True,
        help_text="Slug or id: one's own courses in it. Without both: all of one's own courses.",
    )
    minimum_amount = MoneyField(
        **BOUNDS["minimum_amount"],
        required=False,
        allow_null=True,
        help_text="What the courses it applies to must cost together.",
    )
    valid_from = MomentField(
        of_a_day=FIRST_OF_DAY,
        required=False,
        allow_null=True,
        help_text="With an offset; or a day, YYYY-MM-DD: its first second in UTC.",
    )
    valid_until = MomentField(
        of_a_day=LAST_OF_DAY,
        required=False,
        allow_null=True,
        help_text="With an offset; or a day, YYYY-MM-DD: its last second in UTC.",
    )
    max_redemptions = serializers.IntegerField(
        **BOUNDS["max_redemptions"], required=False, allow_null=True
    )
    max_redemptions_per_person = serializers.IntegerField(
        **BOUNDS["max_redemptions_per_person"], required=False, allow_null=True
    )
    is_active = serializers.BooleanField(required=False)

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(_as_written(data) if type(data) is dict else data)


def _as_written(data: dict[str, Any]) -> dict[str, Any]:
    """Return the body with a course and a category as reading shows them in the form in which they
    are written: a coupon may be sent back as it was read.

    What reading never shows, such as an object without an id, stays as it is and is refused: were
    it taken for none, the coupon would be one for every course.
    """
    body = dict(data)
    if category_id := _shown_id(body.get("category")):
        body["category"] = category_id
    if course_id := _shown_id(body.get("course")):
        del body["course"]
        body.setdefault("course_id", course_id)
    elif "course" in body and body["course"] is None:
        del body["course"]
    return body


def _shown_id(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) and found.strip() else None


class CreateCouponSerializer(CouponTermsSerializer):
    """A new coupon."""

    code = CodeField(help_text=f"{CODE_WORDS}; kept in upper case.")


class EditCouponSerializer(CouponTermsSerializer):
    """What to change of a coupon: anything but its code."""

    code = CodeField(required=False, help_text="May be sent along as it is.")

    def says_no_course(self) -> bool:
        """Whether the body shows the coupon as one without a course, and sets none: right for one
        that has none, and no way to take a course away."""
        body = self.initial_data
        return "course" in body and body["course"] is None and "course_id" not in body


class CourseOfCouponSerializer(ApiSerializer):
    """The course a coupon is for."""

    id = serializers.UUIDField()
    title = serializers.CharField()


class CategoryOfCouponSerializer(ApiSerializer):
    """The category a coupon is for."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.SlugField()


class CouponSerializer(ApiSerializer):
    """A coupon, and how often it was used."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    percent_off = serializers.IntegerField(allow_null=True)
    amount_off = MoneyField(allow_null=True)
    course = CourseOfCouponSerializer(allow_null=True)
    category = CategoryOfCouponSerializer(allow_null=True)
    minimum_amount = MoneyField(allow_null=True)
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    max_redemptions = serializers.IntegerField(allow_null=True)
    max_redemptions_per_person = serializers.IntegerField(allow_null=True)
    is_active = serializers.BooleanField()
    redemptions = serializers.IntegerField(help_text="Orders with it that are pending or paid.")
    created_at = serializers.DateTimeField()
