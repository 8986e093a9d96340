"""The schema's choices are the code's: no two that share a name are taken for each other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.urls import get_resolver
from rest_framework import serializers

from core.serializers import ApiSerializer

DOCUMENT: dict[str, Any] = yaml.safe_load(
    Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text()
)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def all_below(base: type[Any]) -> Iterator[type[Any]]:
    for one in base.__subclasses__():
        yield one
        yield from all_below(one)


def offered(schema: dict[str, Any]) -> set[str]:
    """The values that a property may have, through whatever it refers to."""
    found = {str(value) for value in schema.get("enum", ()) if value is not None}
    if name := schema.get("$ref", "").rpartition("/")[2]:
        found |= offered(SCHEMAS[name])
    for key in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(key, ()):
            found |= offered(part)
    return found | (offered(schema["items"]) if "items" in schema else set())


def described() -> list[tuple[str, str, set[str]]]:
    """Component, property and the code's choices of each field that has some."""
    # Whatever a view answers with is imported by then.
    assert get_resolver().url_patterns
    found = []
    for shape in all_below(ApiSerializer):
        component = shape.__name__.removesuffix("Serializer")
        for name, field in shape._declared_fields.items():
            chosen = field.child if isinstance(field, serializers.ListField) else field
            if not isinstance(chosen, serializers.ChoiceField):
                continue
            for known in (component, f"Patched{component}"):
                if name in SCHEMAS.get(known, {}).get("properties", {}):
                    choices = {str(value) for value in chosen.choices if value is not None}
                    found.append((known, name, choices))
    return found


def test_each_choice_is_described_as_it_is() -> None:
    fields = described()
    assert len(fields) > 20
    assert {"RefundRequest", "Refund", "Order", "OrderPayment"} <= {one for one, _, _ in fields}
    wrong = {
        f"{component}.{name}": sorted(told ^ choices)
        for component, name, choices in fields
        if (told := offered(SCHEMAS[component]["properties"][name]) - {""}) != choices - {""}
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("component", "field", "values"),
    [
        ("RefundRequest", "status", {"open", "granted", "declined"}),
        ("Refund", "status", {"due", "pending", "succeeded", "failed", "canceled"}),
    ],
)
def test_a_request_is_no_refund(component: str, field: str, values: set[str]) -> None:
    assert offered(SCHEMAS[component]["properties"][field]) == values
