"""The committed schema is the code's, without warnings, and tells a client all it needs."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command

COMMITTED = Path(settings.BASE_DIR, "docs", "openapi.yaml")
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMMITTED.read_text())
    return loaded


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_the_committed_schema_has_not_drifted(tmp_path: Path) -> None:
    """Run `make schema` after a change of the API."""
    fresh = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(fresh))
    assert fresh.read_text() == COMMITTED.read_text()


def test_every_operation_is_described(schema: dict[str, Any]) -> None:
    bare = [
        name
        for name, operation in operations(schema)
        if not (operation.get("summary") and operation.get("description") and operation.get("tags"))
    ]
    assert bare == []


def test_every_answer_with_a_body_has_an_example(schema: dict[str, Any]) -> None:
    bare = []
    for name, operation in operations(schema):
        for status, response in operation["responses"].items():
            body = response.get("content", {}).get("application/json")
            if status.startswith("2") and body is not None and "examples" not in body:
                bare.append(f"{name} {status}")
    assert bare == []


def test_paying_tells_all_its_refusals(schema: dict[str, Any]) -> None:
    for name, codes in {
        "create-payment-intent": {"ORDER_NOT_FOUND", "ORDER_NOT_PAYABLE", "PAYMENTS_UNAVAILABLE"},
        "confirm-payment": {"INVALID_PAYMENT", "ORDER_NOT_PAYABLE", "PAYMENTS_UNAVAILABLE"},
    }.items():
        answers = schema["paths"][f"/api/v1/payments/{name}/"]["post"]["responses"]
        told = " ".join(answer["description"] for answer in answers.values())
        assert {code for code in codes if f"`{code}`" not in told} == set()
        assert {"400", "404", "409", "422", "503"} <= set(answers)


def test_every_page_tells_of_the_end_and_of_wrong_filters(schema: dict[str, Any]) -> None:
    paged = [
        (name, operation)
        for name, operation in operations(schema)
        if {"page", "page_size"} <= {one["name"] for one in operation.get("parameters", ())}
    ]
    assert len(paged) > 5
    assert [name for name, one in paged if not {"404", "422"} <= set(one["responses"])] == []


def test_errors_have_the_one_shape(schema: dict[str, Any]) -> None:
    wrong = []
    for name, operation in operations(schema):
        for status, response in operation["responses"].items():
            if status[0] in "45" and "health" not in name:
                body = response.get("content", {}).get("application/json", {})
                if body.get("schema") != {"$ref": "#/components/schemas/Error"}:
                    wrong.append(f"{name} {status}")
    assert wrong == []
