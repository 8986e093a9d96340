"""What is configured wrongly stops the start, in clear lines; what isn't configured is off."""

import os
import random
import re
import secrets
import string
import subprocess
import sys
from pathlib import Path

import pytest

from learnflow.settings.keys import find_weakness
from learnflow.settings.published_keys import DEVELOPMENT_KEY, PUBLISHED_KEYS
from learnflow.settings.starting import PRODUCTION, find_problems, read_startable

ROOT = Path(__file__).resolve().parents[2]
KEY = "Zq3vN8pT1xK6mB4wR9yL2sD7fG5hJ0cV"
COMPLETE = {
    "DJANGO_SETTINGS_MODULE": PRODUCTION,
    "SECRET_KEY": KEY,
    "DATABASE_URL": "postgresql://u@127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "api.example.test",
    "API_BASE_URL": "https://api.example.test",
    "FRONTEND_URL": "https://example.test",
}
REQUIRED = [name for name in COMPLETE if name != "DJANGO_SETTINGS_MODULE"]
STRIPE = {
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_PUBLIC_KEY": "pk_live_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
}


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [sys.executable, *command],
        env=base | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def read_settings(environment: dict[str, str], code: str) -> subprocess.CompletedProcess[str]:
    program = f"import django; django.setup(); from django.conf import settings; {code}"
    return run(["-c", program], environment)


def problems_of(**changed: str) -> list[str]:
    return find_problems(COMPLETE | changed, in_production=True)


def test_a_complete_production_starts() -> None:
    assert problems_of() == []
    done = read_settings(COMPLETE, "print(settings.DEBUG, settings.STRIPE_SECRET_KEY == '')")
    assert done.stdout == "False True\n", done.stderr


WRONG = {"JWT_ALGORITHM": "RS256", "THROTTLE_LOGIN": "lots", "TRUSTED_PROXIES": "foo"}
GUNICORN = ["-m", "gunicorn", "--config", "docker/gunicorn.conf.py", "--bind", "127.0.0.1:0"]
CELERY = ["-m", "celery", "--app", "learnflow"]


@pytest.mark.parametrize(
    "command",
    [
        [*GUNICORN, "learnflow.wsgi:application"], [*CELERY, "worker"], [*CELERY, "beat"],
        ["manage.py", "migrate"], ["manage.py", "check", "--deploy"], ["manage.py", "shell"],
    ],
    ids=["web", "worker", "beat", "migrate", "check", "shell"],
)  # fmt: skip
def test_every_process_says_what_is_wrong_a_line_each_and_nothing_else(command: list[str]) -> None:
    done = run(command, COMPLETE | WRONG)
    said = [line for line in done.stderr.splitlines() if "[INFO]" not in line]
    assert done.returncode != 0
    assert [line.split(":")[0] for line in said] == [
        f"LearnFlow can't start, {name}" for name in sorted(WRONG, key=list(_declared()).index)
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB_THREADS", "eight"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
        ("BIND", "0.0.0.0:http"),
    ],
)
def test_so_does_the_web_server_of_its_own_settings(name: str, value: str) -> None:
    bind = GUNICORN.index("--bind")
    command = [*GUNICORN[:bind], *GUNICORN[bind + 2 :], "learnflow.wsgi:application"]
    done = run(command, COMPLETE | {"BIND": "127.0.0.1:1", name: value})
    assert f"LearnFlow can't start, {name}: must be " in done.stderr
    assert "Traceback" not in done.stderr


def _declared() -> dict[str, None]:
    from learnflow.settings.registry import SETTINGS

    return dict.fromkeys(setting.name for setting in SETTINGS)


@pytest.mark.parametrize("name", REQUIRED)
def test_each_missing_setting_is_named(name: str) -> None:
    assert problems_of(**{name: " "}) == [f"missing settings: {name}"]


def test_all_missing_settings_are_named_at_once_and_in_a_line() -> None:
    # Set but empty, so that a developer's .env can't fill it in.
    done = read_settings(COMPLETE | dict.fromkeys(REQUIRED, ""), "print('started')")
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("LearnFlow can't start, missing settings: ")
    assert all(name in done.stderr for name in REQUIRED)


@pytest.mark.parametrize("name", ["STRIPE_PUBLIC_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_a_stripe_that_nobody_could_pay_with_is_half_configured(name: str) -> None:
    assert problems_of(**STRIPE | {name: ""}) == [f"missing settings: {name}"]


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
    assert (problems_of(**keys) == []) is starts


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKER_GROUPS", "money"), ("TRUSTED_PROXIES", "foo"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.0/40"),
        ("THROTTLE_LOGIN", "lots"), ("THROTTLE_USER", "-5/hour"), ("THROTTLE_ANON", "5/fortnight"),
        ("JWT_ALGORITHM", "RS256"), ("JWT_ALGORITHM", "none"),
        ("SEARCH_ENGINE", "x.y"), ("SEARCH_ENGINE", "courses.search.nowhere.Engine"),
        ("TAX_RULE", "no_tax"), ("EMAIL_BACKEND", "smtp"),
        ("INSTRUCTOR_SHARE_PERCENT", "170"), ("INSTRUCTOR_SHARE_PERCENT", "-1"),
        ("INSTRUCTOR_SHARE_PERCENT", "seventy"), ("REFUND_MAX_PROGRESS_PERCENT", "101"),
        ("REDIS_URL", "nonsense"), ("REDIS_URL", "http://redis:6379/0"),
        ("REDIS_URL", "redis://redis:99999/0"), ("REDIS_URL", "redis://redis/cache"),
        ("DATABASE_URL", "nonsense"), ("DATABASE_URL", "mysql://u@db/x"),
        ("DATABASE_URL", "postgres://db:5432"), ("DATABASE_URL", "postgres://db:port/x"),
        ("DATABASE_CONN_MAX_AGE", "-1"), ("DATABASE_CONNECT_TIMEOUT", "0"),
        ("REDIS_TIMEOUT_SECONDS", "nan"), ("REDIS_TIMEOUT_SECONDS", "0"),
        ("REDIS_PAUSE_SECONDS", "-3"), ("EMAIL_PORT", "0"), ("EMAIL_PORT", "70000"),
        ("EMAIL_PORT", "smtp"), ("EMAIL_HOST", "smtp://mail.example.test"),
        ("EMAIL_HOST", "mail.example.test:587"), ("EMAIL_USE_TLS", "perhaps"),
        ("DEFAULT_FROM_EMAIL", "LearnFlow"), ("STAFF_ALERT_EMAILS", "a@example.test,b"),
        ("DEBUG", "maybe"), ("SECURE_SSL_REDIRECT", "2"), ("STRIPE_CONNECT", "later"),
        ("FRONTEND_URL", "example.test"), ("FRONTEND_URL", "//example.test"),
        ("FRONTEND_URL", "javascript://example.test"), ("API_BASE_URL", "api.example.test"),
        ("API_BASE_URL", "https://"), ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", "null"), ("CORS_ALLOWED_ORIGINS", "https://a.test/path"),
        ("CORS_ALLOWED_ORIGINS", "https://a.test,b.test"), ("CSRF_TRUSTED_ORIGINS", "a.test"),
        ("ALLOWED_HOSTS", "*"), ("ALLOWED_HOSTS", "a.test,*"), ("ALLOWED_HOSTS", "https://a.test"),
        ("ALLOWED_HOSTS", "a.test:8000"), ("CURRENCY", "jpy"), ("CURRENCY", "dollars"),
        ("CURRENCY", "xxx"),
        ("MINIMUM_CHARGE", "-1"), ("MINIMUM_CHARGE", "0.505"), ("PAYOUT_MINIMUM", "much"),
        ("MAXIMUM_CHARGE", "0"), ("MAXIMUM_CHARGE", "100000000"), ("MAXIMUM_CHARGE", "lots"),
        ("TAX_RATES", "DE"), ("TAX_RATES", "UK=20"), ("TAX_RATES", "DE=190"),
        ("TAX_RATES", "DE=19,DE=7"), ("TAX_RATES", "DE=19, de=19"),
        ("TAX_RATES", "DE=19,FR=lots"), ("ORDER_EXPIRY_HOURS", "0"), ("RECONCILE_DAYS", "1e3"),
        ("LOG_LEVEL", "LOUD"), ("SENTRY_DSN", "nonsense"), ("SENTRY_TRACES_SAMPLE_RATE", "1.1"),
        ("STRIPE_API_BASE", "stripe.test"), ("AWS_S3_ENDPOINT_URL", "minio:9000"),
        ("STRIPE_CONCURRENCY", "0"), ("WEB_THREADS", "eight"), ("WEB_CONCURRENCY", "0"),
        ("WORKER_CONCURRENCY", "-2"), ("COURSE_FILE_MAX_BYTES", "5MB"),
        ("REFRESH_COOKIE_SAMESITE", "Sometimes"), ("CATALOGUE_MAX_AGE", "1.5"),
        ("SENTRY_DSN", "https://sentry.io/1"), ("SENTRY_DSN", "https://key@sentry.io/"),
        ("SENTRY_DSN", "https://key@sentry.io/project"), ("SENTRY_DSN", "ftp://key@sentry.io/1"),
        ("SENTRY_DSN", "https://key@sentry.io:port/1"), ("ENVIRONMENT", "a b"),
        ("ENVIRONMENT", "eu/production"),
        ("REDIS_URL", "redis://h/0?socket_timeout=abc"), ("REDIS_URL", "redis://h/0?nonsense=1"),
        ("REDIS_URL", "redis://h/0?socket_timeout=1"), ("REDIS_URL", "redis://h/0?db=x"),
        ("REDIS_URL", "rediss://h/0?ssl_cert_reqs=bogus"),
        ("REDIS_URL", "redis://h/0?ssl_cert_reqs=none"),
        ("DATABASE_URL", "postgres://db/x?sslmode=bogus"), ("DATABASE_URL", "postgres://db/x?a=1"),
        ("DATABASE_URL", "postgres://db/x?nonsense"), ("DATABASE_URL", "postgres://db/x?pool=1"),
        ("DATABASE_URL", "postgres://db/x?atomic_requests=True"),
        ("DATABASE_URL", "postgres://db/x?target_session_attrs=x"),
        ("DATABASE_URL", "postgres://db/x?ssl_min_protocol_version=TLSv9"),
        ("DATABASE_URL", "postgres://db/x?sslmode=require&sslrootcert=system"),
        ("DATABASE_URL", "postgres://db/x?keepalives_idle=soon"),
        ("ALLOWED_HOSTS", ","), ("ALLOWED_HOSTS", " , "), ("ALLOWED_HOSTS", "a..test"),
        ("ALLOWED_HOSTS", "[::zz]"), ("CORS_ALLOWED_ORIGINS", ","), ("TRUSTED_PROXIES", ",,"),
        ("CORS_ALLOWED_ORIGINS", "https://*.a.test"), ("CORS_ALLOWED_ORIGINS", "https://a.test?b"),
        ("CSRF_TRUSTED_ORIGINS", "https://u@a.test"), ("CSRF_TRUSTED_ORIGINS", ","),
        ("STAFF_ALERT_EMAILS", ","), ("STAFF_ALERT_EMAILS", "a@..test"), ("TAX_RATES", ","),
        ("WORKER_GROUPS", ","), ("BIND", ","), ("BIND", "0.0.0.0:http"), ("BIND", "0.0.0.0"),
        ("BIND", "fd://x"), ("BIND", "0.0.0.0:70000"), ("BIND", "http://0.0.0.0:80"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"), ("TRUSTED_PROXIES", "10.0.0.0/8,::/0"),
        ("TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1"), ("TRUSTED_PROXIES", "2000::/3"),
        ("EMAIL_HOST", "mail..test"), ("EMAIL_HOST", "::::"), ("EMAIL_HOST", "-"),
        ("AWS_STORAGE_BUCKET_NAME", "No_Such!!"), ("AWS_STORAGE_BUCKET_NAME", "ab"),
        ("AWS_STORAGE_BUCKET_NAME", "s3://bucket"), ("AWS_S3_REGION_NAME", "f o o"),
        ("AWS_S3_REGION_NAME", "eu_central_1"), ("AWS_S3_REGION_NAME", "eu-central-"),
        ("METRICS_TOKEN", "two words"), ("METRICS_TOKEN", "schlüssel"),
        ("MEDIA_ROOT", "/etc/passwd/x"), ("STATIC_ROOT", "/etc/passwd"), ("MEDIA_ROOT", "/"),
        ("PRIVATE_MEDIA_ROOT", "/dev/null/private"), ("EMAIL_FILE_PATH", "/etc/passwd/x/y"),
        ("ALIVE_FILE", "/etc"), ("ALIVE_FILE", "/etc/passwd/alive"), ("ALIVE_FILE", "/nowhere/a"),
    ],
)  # fmt: skip
def test_a_value_out_of_its_type_or_range_is_named(name: str, value: str) -> None:
    (problem,) = problems_of(**{name: value})
    assert problem.startswith(f"{name}: ")
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "10.0.0.1, 10.1.2.3/8,fd00::/8"), ("THROTTLE_LOGIN", "none"),
        ("THROTTLE_LOGIN", "5/sec"), ("JWT_ALGORITHM", "HS512"), ("DEBUG", "FALSE"),
        ("REDIS_URL", "rediss://:p%40ss@redis.example.test:6380/2"), ("REDIS_URL", "redis://r"),
        ("DATABASE_URL", "postgres:///name?host=/run/postgresql"), ("ALLOWED_HOSTS", ".a.test"),
        ("ALLOWED_HOSTS", "a.test,[::1]"),
        ("DATABASE_URL", "postgresql://u:p%23w@[::1]:5432/x?sslmode=require"),
        ("FRONTEND_URL", "https://example.test/app/"), ("CORS_ALLOWED_ORIGINS", "https://a.test:8"),
        ("DEFAULT_FROM_EMAIL", "LearnFlow <noreply@learnflow.test>"), ("MINIMUM_CHARGE", "0.50"),
        ("MAXIMUM_CHARGE", ""), ("MAXIMUM_CHARGE", "5000.00"),
        ("TAX_RATES", "DE=19,fr=5.5,XK=18"), ("EMAIL_HOST", "2001:db8::25"), ("CURRENCY", "EUR"),
        ("CSRF_TRUSTED_ORIGINS", "https://*.example.test"), ("SEARCH_REMEMBER_SECONDS", "0.5"),
        ("SEARCH_ENGINE", "courses.search.postgres.PostgresEngine"), ("EMAIL_PORT", ""),
        ("SENTRY_DSN", "https://key@o1.ingest.sentry.io/2"), ("TAX_RULE", "orders.taxes.no_tax"),
        ("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend"),
        ("SENTRY_DSN", "http://key:old@sentry.test:9000/under/a/path/7"), ("ENVIRONMENT", "eu-1"),
        ("REDIS_URL", "rediss://h/0?ssl_cert_reqs=none"), ("REDIS_URL", "redis://u:p@[::1]/0"),
        ("REDIS_URL", "rediss://h/0?ssl_ca_certs=/etc/ssl/redis.pem"),
        ("DATABASE_URL", "postgres://db/x?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem"),
        ("DATABASE_URL", "postgres://db/x?sslmode=verify-full&sslrootcert=system"),
        ("DATABASE_URL", "postgres://db/x?sslmode=require&sslnegotiation=direct"),
        ("DATABASE_URL", "postgres://db/x?gssencmode=require&channel_binding=prefer"),
        ("DATABASE_URL", "postgres://db/x?target_session_attrs=read-write&connect_timeout=3"),
        ("DATABASE_URL", "postgres://db/x?application_name=shop&hostaddr=192.0.2.1&keepalives=0"),
        ("DATABASE_URL", "postgres://db/x?assume_role=owner&options=-c%20search_path%3Dapp"),
        ("ALLOWED_HOSTS", "a.test, b.test,"), ("ALLOWED_HOSTS", "192.0.2.1"),
        ("TRUSTED_PROXIES", "fc00::/7,10.0.0.0/8,192.0.2.1"), ("EMAIL_HOST", "mail_relay"),
        ("EMAIL_HOST", "192.0.2.25"), ("STAFF_ALERT_EMAILS", "a@[192.0.2.1], b@a.test"),
        ("BIND", "0.0.0.0:8000,[::]:8000"), ("BIND", ":80"), ("BIND", "unix:/run/web.sock"),
        ("AWS_STORAGE_BUCKET_NAME", "learnflow_Media.eu-1"), ("AWS_S3_REGION_NAME", "auto"),
        ("AWS_STORAGE_BUCKET_NAME", "arn:aws:s3:eu-west-1:123456789012:accesspoint/media"),
        ("AWS_S3_REGION_NAME", "us-gov-west-1"), ("MEDIA_ROOT", "/nowhere/to/be/found"),
        ("STATIC_ROOT", "staticfiles"), ("ALIVE_FILE", "/tmp/alive"),
    ],
)  # fmt: skip
def test_what_is_meant_is_taken(name: str, value: str) -> None:
    assert problems_of(**{name: value}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", "sk_"), ("STRIPE_PUBLIC_KEY", "pk_live_x y"),
        ("STRIPE_WEBHOOK_SECRET", ","), ("STRIPE_WEBHOOK_SECRET", "whsec_"),
    ],
)  # fmt: skip
def test_so_is_one_of_stripes(name: str, value: str) -> None:
    (problem,) = problems_of(**STRIPE | {name: value})
    assert problem.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD"), ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ],
)  # fmt: skip
def test_half_a_name_and_password_stops_the_start(one: str, other: str) -> None:
    for given in ({one: "x"}, {other: "x"}):
        (problem,) = problems_of(**given)
        assert problem.startswith(f"{one} and {other}: ")
    assert problems_of(**{one: "x", other: "x"}) == []
    (problem,) = problems_of(**{one: "x", other: "ü"})
    assert problem.startswith(f"{other}: ")


def test_files_for_some_lie_beside_those_for_all() -> None:
    assert problems_of(MEDIA_ROOT="/data/media", PRIVATE_MEDIA_ROOT="/data/media-private") == []
    for private in ("/data/media", "/data/media/private"):
        (problem,) = problems_of(MEDIA_ROOT="/data/media", PRIVATE_MEDIA_ROOT=private)
        assert problem.startswith("PRIVATE_MEDIA_ROOT: ")


def test_spaces_in_a_list_are_between_its_parts() -> None:
    given = COMPLETE | {"ALLOWED_HOSTS": " a.test , b.test, ,"}
    done = read_settings(given, "print(settings.ALLOWED_HOSTS)")
    assert done.stdout == "['a.test', 'b.test']\n", done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "SENTRY_DSN"])
def test_a_secret_is_not_shown(name: str) -> None:
    (problem,) = problems_of(**{name: "s3cr3t"})
    assert "s3cr3t" not in problem


@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_SECRET"])
@pytest.mark.parametrize(
    "key",
    [
        "x", "Zq3vN8pT1xK6mB4wR9yL2sD7fG5hJ0c", "k" * 60, "abcdefgh" * 8, "0123456789ab" * 5,
        "django-insecure-4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c",
        "learnflow-demo-2026-learnflow-demo-2026-xyz", *sorted(PUBLISHED_KEYS),
        "development-only-key-that-protects-nothing-at-all-000001", DEVELOPMENT_KEY.title(),
        "my-own-key-that-protects-nothing-at-all-9Zq3vN8pT1x", "a" * 28 + "bcdefghi",
        "0123456789abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba987654",
        "secret-key-for-production-learnflow-2026", "passwordpasswordpassword1234567890",
        "abababababababababababababababcdcdefefgh",
    ],
)  # fmt: skip
def test_a_key_that_can_be_guessed_stops_production(name: str, key: str) -> None:
    (problem,) = problems_of(**{name: key})
    assert problem.startswith(f"{name}: ")
    assert key not in problem or len(key) == 1


def test_random_keys_are_taken() -> None:
    """Always the same ones, so that the test doesn't fail once in a million times."""
    chance = random.Random(2026)
    for _ in range(5_000):
        for characters in (string.hexdigits[:16], string.ascii_letters + string.digits + "-_"):
            key = "".join(chance.choices(characters, k=32))
            assert find_weakness(key) is None, key
    for make in (secrets.token_hex, secrets.token_urlsafe):
        assert problems_of(SECRET_KEY=make(32), JWT_SECRET=make(48)) == []


def test_settings_of_ones_own_around_productions_are_held_to_the_same(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("from learnflow.settings.production import *\n")
    environment = COMPLETE | {
        "DJANGO_SETTINGS_MODULE": "own", "PYTHONPATH": str(tmp_path), "SECRET_KEY": "x",
    }  # fmt: skip
    done = read_settings(environment, "print(settings.DEBUG)")
    assert done.returncode != 0
    assert "LearnFlow can't start, SECRET_KEY: must have 32 characters" in done.stderr
    assert "Traceback" not in done.stderr
    fine = read_settings(
        {**environment, "SECRET_KEY": COMPLETE["SECRET_KEY"]}, "print(settings.DEBUG)"
    )
    assert fine.stdout == "False\n", fine.stderr


def test_every_key_that_this_repository_shows_is_known() -> None:
    """Wherever a file gives a key its value."""
    given = re.compile(
        r"(?:SECRET_KEY|JWT_SECRET|SIGNING_KEY|_KEY)\"?\s*[:=]\s*[\"']?([A-Za-z0-9_-]{20,})"
    )
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = set()
    for name in files:
        path = ROOT / name
        if path != Path(__file__).resolve() and path.suffix in {
            ".py",
            ".md",
            ".yml",
            ".example",
            "",
        }:
            found |= set(given.findall(path.read_text(errors="ignore")))
    keys = {key for key in found if not key.isupper() and "-" in key}
    assert keys
    assert {key for key in keys if not problems_of(SECRET_KEY=key)} == set()


def test_the_deployment_check_makes_its_own_key() -> None:
    given = re.search(
        r"^PRODUCTION :=(.*?)\n\n", (ROOT / "Makefile").read_text(), flags=re.S | re.M
    )
    assert given
    assert re.search(r"SECRET_KEY=\"?\$\$\(", given[1])


def test_development_may_be_open_and_is_checked_all_the_same() -> None:
    found = find_problems({"ALLOWED_HOSTS": "*", "SECRET_KEY": "x"}, in_production=False)
    assert found == []
    found = find_problems({"FRONTEND_URL": "learnflow.test"}, in_production=False)
    assert len(found) == 1


def test_set_but_empty_is_not_configured() -> None:
    given = {"EMAIL_PORT": "", "THROTTLE_LOGIN": " ", "LOG_LEVEL": "INFO"}
    assert read_startable(process=given, file=None) == {"LOG_LEVEL": "INFO"}


def test_what_cannot_be_read_stops_the_start_in_a_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("not an assignment\n")
    with pytest.raises(SystemExit, match=r"^LearnFlow can't start, .*line 1: [^\n]*$"):
        read_startable(process={}, file=tmp_path / ".env")
    both = {"SECRET_KEY": "a", "SECRET_KEY_FILE": "b"}
    with pytest.raises(SystemExit, match=r"^LearnFlow can't start, SECRET_KEY and [^\n]*$"):
        read_startable(process=both, file=None)


@pytest.mark.parametrize(
    ("given", "port", "ssl", "tls"),
    [
        ({}, 587, False, True), ({"EMAIL_PORT": "465"}, 465, True, False),
        ({"EMAIL_USE_SSL": "True"}, 465, True, False), ({"EMAIL_PORT": "25"}, 25, False, True),
        ({"EMAIL_USE_SSL": "on", "EMAIL_USE_TLS": "off"}, 465, True, False),
        ({"EMAIL_USE_TLS": "off"}, 587, False, False),
    ],
)  # fmt: skip
def test_mail_is_encrypted_as_its_port_speaks(
    given: dict[str, str], port: int, ssl: bool, tls: bool
) -> None:
    code = "print(settings.EMAIL_PORT, settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS)"
    done = read_settings(COMPLETE | {"EMAIL_HOST": "mail.example.test"} | given, code)
    assert done.stdout == f"{port} {ssl} {tls}\n", done.stderr


@pytest.mark.parametrize("given", [{"EMAIL_USE_SSL": "on"}, {"EMAIL_PORT": "465"}])
def test_mail_is_encrypted_in_one_way(given: dict[str, str]) -> None:
    (problem,) = problems_of(EMAIL_USE_TLS="True", **given)
    assert problem.startswith("EMAIL_USE_TLS and EMAIL_USE_SSL: ")


@pytest.mark.parametrize(
    ("given", "starts"),
    [
        ({"STRIPE_TIMEOUT_SECONDS": "600", "LEASE_SECONDS": "1"}, False),
        ({"STRIPE_TIMEOUT_SECONDS": "15"}, True), ({"STRIPE_TIMEOUT_SECONDS": "15.1"}, False),
        ({"STRIPE_DEADLINE_SECONDS": "15"}, True), ({"STRIPE_DEADLINE_SECONDS": "16"}, False),
        ({"STRIPE_DEADLINE_SECONDS": "16", "LEASE_SECONDS": "30"}, True),
        ({"EMAIL_TIMEOUT": "30"}, True), ({"EMAIL_TIMEOUT": "31"}, False),
        ({"MAIL_LEASE_SECONDS": "16"}, False),
    ],
)  # fmt: skip
def test_nothing_that_is_waited_for_outlasts_its_claim(given: dict[str, str], starts: bool) -> None:
    found = problems_of(**given)
    assert (found == []) is starts, found
    assert all("outlasts its claim" in problem for problem in found)


@pytest.mark.parametrize("value", ["nan", "sNaN", "inf"])
@pytest.mark.parametrize(
    "name", ["STRIPE_TIMEOUT_SECONDS", "EMAIL_TIMEOUT", "LEASE_SECONDS", "MAIL_LEASE_SECONDS"]
)
def test_what_is_no_time_is_told_of_its_setting_and_of_no_claim(name: str, value: str) -> None:
    (problem,) = problems_of(**{name: value})
    assert problem.startswith(f"{name}: ")


def test_claims_and_what_is_waited_for_are_by_default_as_the_check_has_them() -> None:
    names = "STRIPE_TIMEOUT_SECONDS STRIPE_DEADLINE_SECONDS EMAIL_TIMEOUT LEASE MAIL_LEASE"
    code = f"print(*(getattr(settings, name) for name in {names.split()}))"
    done = read_settings(COMPLETE, code)
    assert done.stdout == "5.0 5.0 10.0 0:00:25 0:00:50\n", done.stderr


@pytest.mark.parametrize("name", ["SLOW_WAITS", "STRIPE_CONCURRENCY"])
@pytest.mark.parametrize(
    ("given", "threads", "starts"),
    [("8", "", False), ("7", "", True), ("6", "4", False), ("4", "4", False), ("3", "4", True),
     ("1", "1", True), ("2", "1", False), ("12", "16", True)],
)  # fmt: skip
def test_those_who_may_wait_in_a_web_process_are_never_all(
    name: str, given: str, threads: str, starts: bool
) -> None:
    changed = {name: given, "WEB_THREADS": threads}
    assert problems_of(**changed) == [], "a worker has other threads"
    found = find_problems(COMPLETE | changed, in_production=True, serves=True)
    assert (found == []) is starts
    assert [problem.split(" (")[0] for problem in found] == [
        f"{name}: must be less than WEB_THREADS" for _ in found
    ]


def test_a_web_server_whose_threads_may_all_wait_stops_in_a_line() -> None:
    command = [*GUNICORN, "learnflow.wsgi:application"]
    done = run(command, COMPLETE | {"SLOW_WAITS": "6", "WEB_THREADS": "4"})
    assert "LearnFlow can't start, SLOW_WAITS: must be less than WEB_THREADS (4), not 6" in (
        done.stderr
    )
    assert "Traceback" not in done.stderr


def test_an_engine_that_is_none_stops_the_start_in_a_line() -> None:
    done = read_settings(COMPLETE | {"SEARCH_ENGINE": "courses.search.engine.Highlight"}, "")
    assert done.stderr.startswith("LearnFlow can't start, SEARCH_ENGINE: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("TAX_RULE", "orders.taxes.nothing_here"), ("EMAIL_BACKEND", "core.money.NothingHere")],
)
def test_a_name_of_nothing_stops_the_start_in_a_line(name: str, value: str) -> None:
    done = read_settings(COMPLETE | {name: value}, "")
    assert done.stderr.startswith(f"LearnFlow can't start, {name}: ")
    assert len(done.stderr.splitlines()) == 1


def test_production_knows_nothing_of_the_stand_in() -> None:
    code = "import sys; print([m for m in sys.modules if m.startswith('devtools')])"
    done = read_settings(COMPLETE, code)
    assert done.stdout == "[]\n", done.stderr


def test_secrets_come_from_files_and_keep_their_dollars(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("$" + KEY + "\n")
    (tmp_path / "mail").write_text("$HOME#1\n")
    given = {k: v for k, v in COMPLETE.items() if k != "SECRET_KEY"}
    given |= {"SECRET_KEY_FILE": str(tmp_path / "key"), "JWT_SECRET": "$HOME" + KEY}
    given |= {"EMAIL_HOST_PASSWORD_FILE": str(tmp_path / "mail"), "EMAIL_HOST_USER": "shop"}
    code = "print(settings.SECRET_KEY, settings.JWT_SECRET, settings.EMAIL_HOST_PASSWORD)"

    done = read_settings(given, code)

    assert done.stdout.split() == ["$" + KEY, "$HOME" + KEY, "$HOME#1"], done.stderr


def test_a_secret_given_twice_stops_the_start_in_words(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)

    done = read_settings({**COMPLETE, "SECRET_KEY_FILE": str(tmp_path / "key")}, "print('started')")

    assert done.stdout == ""
    assert done.stderr.strip().endswith("SECRET_KEY and SECRET_KEY_FILE are both set: keep one.")
