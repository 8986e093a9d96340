"""Example bodies for the API's documentation (plan 4.2 and 4.9)."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_ID = "01985c1e-7a9d-7c43-9d3e-2f6b8a1c0e55"
_TOKEN = "eyJhbGciOiJIUzI1NiIs..."  # noqa: S105 - the beginning of any such token
_NEW_PERSON: dict[str, Any] = {
    "email": "user@example.com",
    "first_name": "John",
    "last_name": "Doe",
}
_PERSON: dict[str, Any] = {"id": _ID, **_NEW_PERSON}
_ME_PROFILE: dict[str, Any] = {
    "bio": "Software developer",
    "profile_picture": "https://learnflow.example/media/profiles/4f1c.webp",
    "country": "USA",
    "total_hours_learned": 248,
    "courses_completed": 5,
    "current_streak_days": 15,
}
_CHANGES = {
    "first_name": "John",
    "last_name": "Doe",
    "bio": "Updated bio",
    "phone": "+1234567890",
    "country": "USA",
    "timezone": "America/Los_Angeles",
}


def _request(value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample("Request", value=value, request_only=True)


def _response(value: dict[str, Any], status: str = "200") -> OpenApiExample:
    return OpenApiExample("Response", value=value, response_only=True, status_codes=[status])


REGISTER = [
    _request({**_NEW_PERSON, "password": "SecurePassword123!"}),
    _response({**_PERSON, "access_token": _TOKEN, "refresh_token": _TOKEN}, "201"),
]
LOGIN = [
    _request({"email": "user@example.com", "password": "SecurePassword123!"}),
    _response(
        {
            "access_token": _TOKEN,
            "refresh_token": _TOKEN,
            "user": {**_PERSON, "is_instructor": False},
        }
    ),
]
REFRESH = [_request({"refresh": _TOKEN}), _response({"access": _TOKEN, "refresh": _TOKEN})]
LOGOUT = [_response({"message": "Successfully logged out"})]
ME = [
    _response({**_PERSON, "is_instructor": False, "email_verified": True, "profile": _ME_PROFILE})
]
VERIFY_EMAIL = [_request({"token": _TOKEN}), _response({"message": "E-mail address verified"})]
EMAIL = [
    _request({"email": "user@example.com"}),
    _response({"message": "If there is something to send, a mail is on its way"}, "202"),
]
PASSWORD_RESET_CONFIRM = [
    _request({"token": f"{_ID}.cx1p3u-0d9f", "new_password": "NewPassword123!"}),
    _response({"message": "Password changed successfully"}),
]
PROFILE = [
    _response(
        {
            **_PERSON,
            "profile": {
                **_ME_PROFILE,
                "phone": "+1234567890",
                "timezone": "America/Los_Angeles",
                "certificates_earned": 5,
                "last_activity": "2026-01-27T10:00:00Z",
            },
        }
    )
]
PROFILE_UPDATE = [_request(_CHANGES), *PROFILE]
CHANGE_PASSWORD = [
    _request({"old_password": "CurrentPassword123!", "new_password": "NewPassword123!"}),
    _response({"message": "Password changed successfully"}),
]
SESSION = [
    _response(
        {
            "id": _ID,
            "device": "Mozilla/5.0 (X11; Linux x86_64) Firefox/147.0",
            "ip": "203.0.113.7",
            "created_at": "2026-01-20T10:00:00Z",
            "last_used_at": "2026-01-27T10:00:00Z",
            "expires_at": "2026-02-03T10:00:00Z",
            "is_current": True,
        }
    )
]
