"""What isn't configured says so."""

import logging
from typing import Any

import pytest
from rest_framework.test import APIClient

from core.features import warn_of_what_is_off

FILES = "notifications.backends.FileBackend"


@pytest.mark.parametrize(
    ("in_production", "host", "backend", "warns"),
    [
        (True, "", FILES, True), (True, "mail.example.test", FILES, False),
        (True, "", "elsewhere.Backend", False), (False, "", FILES, False),
    ],
)  # fmt: skip
def test_a_production_without_mail_says_so_when_it_starts(
    *, in_production: bool, host: str, backend: str, warns: bool, settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    settings.IN_PRODUCTION, settings.EMAIL_HOST, settings.EMAIL_BACKEND = (
        in_production,
        host,
        backend,
    )
    warn_of_what_is_off()
    said = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert [r.getMessage().startswith("EMAIL_HOST isn't set") for r in said] == [True] * warns


@pytest.mark.django_db
@pytest.mark.parametrize(("host", "told"), [("", "off"), ("mail.example.test", "on")])
def test_health_tells_whether_mails_go_out(
    api: APIClient, settings: Any, host: str, told: str
) -> None:
    settings.EMAIL_HOST, settings.EMAIL_BACKEND = host, FILES
    assert api.get("/api/v1/health/").json()["email"] == told
