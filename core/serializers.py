"""Serializer bases and fields: strict JSON types in, money and times in one shape out."""

import difflib
import uuid
from collections.abc import Collection, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, ClassVar

from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.settings import api_settings

from core.echo import LONGEST_NAME, cut

# The code of "this JSON type can't be read as that field"; api.exceptions answers it with 400.
WRONG_TYPE = "wrong_type"
# The code of "there is no such field"; api.exceptions answers it with 400 `UNKNOWN_FIELD`.
UNKNOWN_FIELD = "unknown_field"
# Of a body full of them the first will do.
_MOST_NAMED = 20

_TEXT_FIELDS = (
    serializers.CharField,
    serializers.ChoiceField,
    serializers.UUIDField,
    serializers.DateTimeField,
    serializers.DateField,
)


class StrictFieldsMixin:
    """Refuses values of the wrong JSON type (contract: 400), beside DRF's own checks (422).

    DRF reads `5` as a string and `"5"` as a number. A client that sends the wrong type has a bug,
    and is told so. Form data has no types and is left alone.
    """

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(
                {api_settings.NON_FIELD_ERRORS_KEY: ["Must be an object."]}, code=WRONG_TYPE
            )
        wrong = {} if isinstance(data, QueryDict) else self._wrong_types(data)
        if not wrong:
            return super().to_internal_value(data)  # type: ignore[misc]
        cleaned = {key: value for key, value in data.items() if key not in wrong}
        try:
            super().to_internal_value(cleaned)  # type: ignore[misc]
        except serializers.ValidationError as exc:
            if isinstance(exc.detail, dict):
                raise serializers.ValidationError({**exc.detail, **wrong}) from None
        raise serializers.ValidationError(wrong)

    def _wrong_types(self, data: Mapping[str, Any]) -> dict[str, list[serializers.ErrorDetail]]:
        return {
            name: [serializers.ErrorDetail(message, code=WRONG_TYPE)]
            for name, field in self.fields.items()  # type: ignore[attr-defined]
            if not field.read_only
            and name in data
            and data[name] is not None
            and (message := _mismatch(field, data[name]))
        }


class ApiSerializer(StrictFieldsMixin, serializers.Serializer[Any]):
    """The base of every request body and of response shapes that aren't models."""


class ClosedSerializer(ApiSerializer):
    """A body in which money is at stake: it may have no fields but these, as with one that nobody
    reads (`course` for `course_id`) something else is done than was asked for. 400 `UNKNOWN_FIELD`.

    `shown` names what reading shows and writing can't set: a client may send it back, and it
    changes nothing.
    """

    shown: ClassVar[frozenset[str]] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        unknown = self._find_unknown(data) if isinstance(data, Mapping) else {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as exc:
            if unknown and isinstance(exc.detail, dict):
                raise serializers.ValidationError({**exc.detail, **unknown}) from None
            raise
        if unknown:
            raise serializers.ValidationError(unknown)
        return value

    def _find_unknown(self, data: Mapping[str, Any]) -> dict[str, list[serializers.ErrorDetail]]:
        known = {name for name, field in self.fields.items() if not field.read_only}
        unknown = (str(name) for name in data if name not in known | self.shown)
        names = (cut(name, limit=LONGEST_NAME) for name in islice(unknown, _MOST_NAMED))
        return {
            name: [serializers.ErrorDetail(_no_such_field(name, known), code=UNKNOWN_FIELD)]
            for name in names
        }


def field_names(*shapes: type[serializers.Serializer[Any]]) -> frozenset[str]:
    """Return the names of the fields of these shapes, for `ClosedSerializer.shown`."""
    return frozenset(name for shape in shapes for name in shape._declared_fields)


def _no_such_field(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return "There is no such field." + (f" Did you mean {near[0]}?" if near else "")


@extend_schema_field(OpenApiTypes.DOUBLE)
class MoneyField(serializers.DecimalField):
    """A `Decimal` with two places inside, a JSON number on the wire. The float exists only for the
    encoder: two places of up to ten digits survive it exactly."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 10)
        kwargs.setdefault("decimal_places", 2)
        super().__init__(**kwargs)

    def to_representation(self, value: Any) -> Any:
        return None if value is None else float(Decimal(value))


@extend_schema_field(OpenApiTypes.DOUBLE)
class NumberField(serializers.DecimalField):
    """A decimal such as a rating or hours, as a JSON number of at most `decimal_places` places."""

    def to_representation(self, value: Any) -> Any:
        if value is None:
            return None
        number = round(Decimal(value), self.decimal_places or 0)
        return int(number) if number == number.to_integral_value() else float(number)


class IdItemField(serializers.UUIDField):
    """An id within a list; a number isn't taken for one."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.", code=WRONG_TYPE)
        return super().to_internal_value(data)


def _mismatch(field: serializers.Field[Any, Any, Any, Any], value: object) -> str | None:
    if isinstance(field, serializers.Serializer):
        return None if isinstance(value, Mapping) else "Must be an object."
    if isinstance(field, serializers.BooleanField):
        return None if isinstance(value, bool) else "Must be true or false."
    if isinstance(field, serializers.IntegerField):
        ok = isinstance(value, int) and not isinstance(value, bool)
        return None if ok else "Must be a whole number."
    if isinstance(field, serializers.DecimalField | serializers.FloatField):
        ok = isinstance(value, int | float | str) and not isinstance(value, bool)
        return None if ok else "Must be a number."
    if isinstance(field, _TEXT_FIELDS):
        return None if isinstance(value, str) else "Must be a string."
    return None
