"""Production: `starting` refuses it while a setting is missing or leaves it open to anybody."""

from learnflow.settings.base import *  # noqa: F403
from learnflow.settings.base import STORAGES, env
from learnflow.settings.starting import require_closed

require_closed(env.ENVIRON)

IN_PRODUCTION = True
DEBUG = False
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
# Container probes speak plain HTTP to the process itself.
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/", r"^health/", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
REFRESH_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[env.str("API_BASE_URL")])

if _bucket := env.str("AWS_STORAGE_BUCKET_NAME", default=""):
    _s3 = {
        "bucket_name": _bucket,
        "access_key": env.str("AWS_ACCESS_KEY_ID", default=None),
        "secret_key": env.str("AWS_SECRET_ACCESS_KEY", default=None),
        "region_name": env.str("AWS_S3_REGION_NAME", default=None),
        "endpoint_url": env.str("AWS_S3_ENDPOINT_URL", default=None),
    }
    _backend = "core.storage.PatientS3Storage"
    STORAGES = {
        **STORAGES,
        "default": {
            "BACKEND": _backend,
            "OPTIONS": {
                **_s3,
                "location": "media",
                "querystring_auth": False,
                "file_overwrite": False,
            },
        },
        "private": {
            "BACKEND": _backend,
            # A certificate made anew takes the place of the one before, as in a folder.
            "OPTIONS": {**_s3, "location": "private", "file_overwrite": True},
        },
    }

if _dsn := env.str("SENTRY_DSN", default=""):
    from core.reports import start_reports

    start_reports(
        dsn=_dsn,
        environment=env.str("ENVIRONMENT", default="production"),
        sample_rate=env.float("SENTRY_TRACES_SAMPLE_RATE", default=0.1),
    )
