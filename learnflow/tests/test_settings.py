"""Production refuses to start half-configured, in one clear line; what isn't configured is off."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPLETE = {
    "DJANGO_SETTINGS_MODULE": "learnflow.settings.production",
    "SECRET_KEY": "k" * 60,
    "DATABASE_URL": "postgresql://u@127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "api.example.test",
    "API_BASE_URL": "https://api.example.test",
    "FRONTEND_URL": "https://example.test",
}


def read_settings(environment: dict[str, str], code: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    program = f"import django; django.setup(); from django.conf import settings; {code}"
    return subprocess.run(
        [sys.executable, "-c", program],
        env=base | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_complete_production_starts() -> None:
    done = read_settings(COMPLETE, "print(settings.DEBUG, settings.STRIPE_SECRET_KEY == '')")
    assert done.stdout == "False True\n", done.stderr


@pytest.mark.parametrize("name", [name for name in COMPLETE if name != "DJANGO_SETTINGS_MODULE"])
def test_each_missing_setting_is_named(name: str) -> None:
    # Set but empty, so that a developer's .env can't fill it in.
    done = read_settings({**COMPLETE, name: ""}, "print('started')")
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith(f"LearnFlow can't start, missing settings: {name}")


def test_all_missing_settings_are_named_at_once() -> None:
    emptied = dict.fromkeys([name for name in COMPLETE if name != "DJANGO_SETTINGS_MODULE"], "")
    done = read_settings(COMPLETE | emptied, "print('started')")
    last = done.stderr.strip().splitlines()[-1]
    assert all(name in last for name in emptied)


STRIPE = {
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_PUBLIC_KEY": "pk_live_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
}


@pytest.mark.parametrize("name", ["STRIPE_PUBLIC_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_a_stripe_that_nobody_could_pay_with_is_half_configured(name: str) -> None:
    done = read_settings(COMPLETE | STRIPE | {name: ""}, "print('started')")
    assert f"missing settings: {name}" in done.stderr


@pytest.mark.parametrize(
    ("secret", "public", "starts"),
    [
        ("sk_live_x", "pk_live_x", True), ("rk_live_x", "pk_live_x", True),
        ("sk_test_x", "pk_test_x", True), ("sk_live_x", "pk_test_x", False),
        ("rk_test_x", "pk_live_x", False),
    ],
)  # fmt: skip
def test_keys_of_two_modes_stop_the_start(secret: str, public: str, starts: bool) -> None:
    keys = STRIPE | {"STRIPE_SECRET_KEY": secret, "STRIPE_PUBLIC_KEY": public}
    done = read_settings(COMPLETE | keys, "print('started')")
    assert (done.stdout == "started\n") is starts
    assert ("are of different modes" in done.stderr) is not starts


def test_production_knows_nothing_of_the_stand_in() -> None:
    code = "import sys; print([m for m in sys.modules if m.startswith('devtools')])"
    done = read_settings(COMPLETE, code)
    assert done.stdout == "[]\n", done.stderr


def test_secrets_come_from_files_and_keep_their_dollars(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("$" + "k" * 60 + "\n")
    (tmp_path / "mail").write_text("$HOME#1\n")
    given = {k: v for k, v in COMPLETE.items() if k != "SECRET_KEY"}
    given |= {"SECRET_KEY_FILE": str(tmp_path / "key"), "JWT_SECRET": "$HOME" + "j" * 60}
    given |= {"EMAIL_HOST_PASSWORD_FILE": str(tmp_path / "mail")}
    code = "print(settings.SECRET_KEY, settings.JWT_SECRET, settings.EMAIL_HOST_PASSWORD)"

    done = read_settings(given, code)

    assert done.stdout.split() == ["$" + "k" * 60, "$HOME" + "j" * 60, "$HOME#1"], done.stderr


def test_a_secret_given_twice_stops_the_start_in_words(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 60)

    done = read_settings({**COMPLETE, "SECRET_KEY_FILE": str(tmp_path / "key")}, "print('started')")

    assert done.stdout == ""
    assert done.stderr.strip().endswith("SECRET_KEY and SECRET_KEY_FILE are both set: keep one.")
