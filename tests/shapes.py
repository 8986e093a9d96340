"""Holds rows and the serializers that declare them together."""

import datetime as dt
from typing import Any

from rest_framework import serializers

_TYPES: list[tuple[type[serializers.Field[Any, Any, Any, Any]], type | tuple[type, ...]]] = [
    (serializers.BooleanField, bool),
    (serializers.IntegerField, int),
    (serializers.DecimalField, (int, float)),
    (serializers.DateTimeField, str),
    (serializers.ListField, list),
    (serializers.DictField, dict),
    (serializers.UUIDField, str),
    (serializers.ChoiceField, str),
    (serializers.CharField, str),
]


def assert_shape(value: Any, field: Any, path: str = "body") -> None:
    """Fail unless the JSON value has exactly the fields and types the serializer declares; only
    those that aren't required may be missing."""
    if value is None:
        assert field.allow_null, f"{path} is null"
        return
    if isinstance(field, serializers.ListSerializer):
        assert isinstance(value, list), path
        for number, item in enumerate(value):
            assert_shape(item, field.child, f"{path}[{number}]")
        return
    if isinstance(field, serializers.Serializer):
        needed = {name for name, child in field.fields.items() if child.required}
        assert needed <= set(value) <= set(field.fields), path
        for name, item in value.items():
            assert_shape(item, field.fields[name], f"{path}.{name}")
        return
    expected = next(types for kind, types in _TYPES if isinstance(field, kind))
    assert isinstance(value, expected), f"{path} is {value!r}"
    assert not isinstance(value, bool) or expected is bool, f"{path} is {value!r}"
    if isinstance(field, serializers.DateTimeField):
        assert str(value).endswith("Z"), path
        dt.datetime.fromisoformat(str(value))
