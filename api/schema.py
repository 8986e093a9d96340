"""The OpenAPI schema: the error shape on every operation, sign-in described once."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from rest_framework import serializers

from core.serializers import ClosedSerializer

_MEANINGS = {
    "VALIDATION_ERROR": "a value is not acceptable, `details` names the fields",
    "UNKNOWN_FIELD": "a field that nobody reads, `details` names it and the one that may be meant",
}


class ErrorDetailSerializer(serializers.Serializer[Any]):
    """What went wrong (plan 6.1)."""

    code = serializers.CharField(help_text="Stable, UPPER_SNAKE; branch on this.")
    message = serializers.CharField(help_text="For a developer or, at need, a person.")
    status = serializers.IntegerField(help_text="The HTTP status again.")
    details = serializers.DictField(help_text="Facts; for 400 and 422 the fields at fault.")
    request_id = serializers.CharField(help_text="The same as the header X-Request-ID.")


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error under /api/ has this shape."""

    error = ErrorDetailSerializer()


def only_the_api(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Keep what clients call: the probes' short addresses are the same views again."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


class LearnFlowSchema(AutoSchema):
    """Adds the error responses that any operation may answer, unless it declares its own."""

    def get_override_parameters(self) -> list[Any]:
        return []

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        for status, text in self._common_errors().items():
            bodies.setdefault(
                status, self._get_response_for_code(_described(text), status, direction=direction)
            )
        for status, codes in self._codes_of_body().items():
            if status in bodies:
                bodies[status] = _name_codes(bodies[status], codes)
        return bodies

    def _codes_of_body(self) -> dict[str, list[str]]:
        """What every body of this operation may be refused with, whatever the view adds to it; by
        status."""
        declared = (
            self.get_request_serializer() if self.method in {"POST", "PUT", "PATCH"} else None
        )
        # One for each media type, or one for all.
        shapes = list(declared.values()) if isinstance(declared, dict) else [declared]
        bodies = [
            body for body in map(force_instance, shapes) if isinstance(body, serializers.Serializer)
        ]
        return {
            "400": ["UNKNOWN_FIELD"] if any(map(is_closed, bodies)) else [],
            "422": ["VALIDATION_ERROR"] if any(body.fields for body in bodies) else [],
        }

    def _get_response_for_code(
        self,
        serializer: Any,
        status_code: Any,
        media_types: Any = None,
        direction: Any = "response",
    ) -> Any:
        """Give an error that an operation only describes its body: they all have one shape."""
        from drf_spectacular.utils import OpenApiResponse

        bare = isinstance(serializer, OpenApiResponse) and serializer.response is None
        if bare and int(status_code) >= 400:
            serializer = _described(serializer.description)
        return super()._get_response_for_code(serializer, status_code, media_types, direction)

    def _common_errors(self) -> dict[str, str]:
        common = {"429": "Asked too often; `Retry-After` says when to come back"}
        if self.get_auth():
            common["401"] = "No or no longer valid access token"
        if "{" in self.path:
            common["404"] = "Doesn't exist, or not for this person"
        if self.method == "GET" and self._is_list_view() and self._get_paginator():
            missing = common.get("404")
            common["404"] = f"{missing}; or no such page" if missing else "There is no such page"
            common["422"] = "`page`, `page_size` or a filter isn't acceptable; `details` names it"
        if self.method in {"POST", "PUT", "PATCH"}:
            common["400"] = "Body unreadable, incomplete or of wrong types"
            common["422"] = ""
            if not self._codes_of_body()["422"]:
                common["422"] = "A value is not acceptable; `details` names the fields"
        return common


def is_closed(body: serializers.Serializer[Any]) -> bool:
    """Whether a body, or an object in it, refuses fields that nobody reads."""
    return isinstance(body, ClosedSerializer) or any(
        is_closed(field)
        for field in body.fields.values()
        if isinstance(field, serializers.Serializer)
    )


def _name_codes(answer: dict[str, Any], codes: list[str]) -> dict[str, Any]:
    """Return the described answer, naming also those of these codes that it doesn't name."""
    text = answer["description"]
    missing = [f"`{code}`: {_MEANINGS[code]}" for code in codes if f"`{code}`" not in text]
    return {**answer, "description": "; ".join(filter(None, [text.rstrip("."), *missing]))}


def _described(text: str) -> Any:
    from drf_spectacular.utils import OpenApiResponse

    return OpenApiResponse(ErrorSerializer, description=text)


class SessionJWTScheme(OpenApiAuthenticationExtension):
    """Describes the bearer token to readers of the schema."""

    target_class = "users.authentication.SessionJWTAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access_token` of register or login, or `access` of refresh.",
        }
