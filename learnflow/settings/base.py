"""Settings shared by every environment; what differs between machines comes from outside."""

import os
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django_stubs_ext

from core.environment import SECRETS, Environment
from core.logging import describe_logging
from learnflow import queues, schedule
from learnflow.settings.starting import read_startable

# Lets `admin.ModelAdmin[Order]` and friends be written where the checker wants them.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# Tests take nothing from a developer's .env: it may hold keys of a real Stripe account.
_TESTING = os.environ.get("DJANGO_SETTINGS_MODULE") == "learnflow.settings.testing"
_variables = read_startable(process=os.environ, file=None if _TESTING else BASE_DIR / ".env")
# Libraries look there for what is theirs, such as HTTPS_PROXY. A secret is for the settings alone.
for _name in _variables.keys() - os.environ.keys() - set(SECRETS):
    os.environ[_name] = _variables[_name]
env = Environment(_variables)

IN_PRODUCTION = False

# --- Identity of this installation -----------------------------------------------------------
SECRET_KEY: str = env.str("SECRET_KEY", default="")
DEBUG: bool = env.bool("DEBUG", default=False)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
API_BASE_URL: str = env.str("API_BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
FRONTEND_URL: str = env.str("FRONTEND_URL", default="http://localhost:5173").rstrip("/")
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", default=[FRONTEND_URL])
CORS_ALLOW_CREDENTIALS = True
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Retry-After", "ETag", "Link", "Content-Disposition"]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "x-request-id",
    "x-requested-with",
]
# Whether commands may write invented people and courses, which nobody could tell from real ones.
INVENTED_DATA_ALLOWED = False
# Addresses or networks whose X-Forwarded-For is believed, e.g. "10.0.0.0/8,127.0.0.1".
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])

# --- Applications, one per floor of docs/architecture.md --------------------------------------
INSTALLED_APPS = [
    # Before Django's own: its `changepassword` takes that one's place.
    "users",
    "users.staff_config.StaffSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "corsheaders",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "core",
    "courses",
    "enrollments",
    "cart",
    "reviews",
    "orders",
    "payments",
    "notifications",
    "analytics",
    "api",
]

MIDDLEWARE = [
    "core.middleware.RequestIdMiddleware",
    "core.middleware.ProbeMiddleware",
    "core.middleware.DataHeadersMiddleware",
    # Outside of what serves static files: they carry it too.
    "core.middleware.ContentSecurityPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "core.middleware.AdminSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "core.middleware.AdminAuthenticationMiddleware",
    "core.middleware.AdminMessageMiddleware",
    "core.middleware.AdminTextMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "learnflow.urls"
WSGI_APPLICATION = "learnflow.wsgi.application"
AUTH_USER_MODEL = "users.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- PostgreSQL -------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **env.db_url("DATABASE_URL", default="postgresql://learnflow@127.0.0.1:5432/learnflow"),
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
        "ENGINE": "core.postgresql",
    }
}
DATABASES["default"].setdefault("OPTIONS", {}).update(
    {
        "connect_timeout": env.int("DATABASE_CONNECT_TIMEOUT", default=5),
        "application_name": "learnflow",
    }
)
# On: what DATABASE_URL names is a pooler that lends a connection for one transaction (PgBouncer).
DATABASE_POOLED: bool = env.bool("DATABASE_POOLED", default=False)
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = DATABASE_POOLED
# What a request waits at most, for a statement and for a lock; then it is answered 503 instead of
# piling up. 0 is for ever.
DATABASE_STATEMENT_SECONDS: float = env.float("DATABASE_STATEMENT_SECONDS", default=10.0)
DATABASE_LOCK_SECONDS: float = env.float("DATABASE_LOCK_SECONDS", default=5.0)
# The same for a worker's statement: less than its tasks may take.
DATABASE_WORKER_STATEMENT_SECONDS: float = env.float(
    "DATABASE_WORKER_STATEMENT_SECONDS", default=80.0
)
# How long a web process leaves PostgreSQL alone when nothing was heard of it.
DATABASE_PAUSE_SECONDS: float = env.float("DATABASE_PAUSE_SECONDS", default=2.0)
# Threads of a web process that may wait at once for what is slow to answer: two are left for
# everybody else.
SLOW_WAITS: int = env.int("SLOW_WAITS", default=max(1, env.int("WEB_THREADS", default=8) - 2))

# --- Redis: cache, throttles and Celery's broker ----------------------------------------------
REDIS_URL: str = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
# How long a request waits for an answer, and how long nobody asks after there was none.
REDIS_TIMEOUT_SECONDS: float = env.float("REDIS_TIMEOUT_SECONDS", default=0.5)
REDIS_PAUSE_SECONDS: float = env.float("REDIS_PAUSE_SECONDS", default=5.0)
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "core.redis.SharedRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "lf",
        "OPTIONS": {
            "REDIS_CLIENT_CLASS": "core.redis.GuardedRedis",
            "SOCKET_CONNECT_TIMEOUT": REDIS_TIMEOUT_SECONDS,
            "SOCKET_TIMEOUT": REDIS_TIMEOUT_SECONDS,
            # The cache is an accelerator: without it the database answers. The client logs it.
            "IGNORE_EXCEPTIONS": True,
        },
    }
}

# The catalogue's memory in each process (docs/catalogue.md); 0 switches it off.
CATALOGUE_PAGE_SECONDS: float = env.float("CATALOGUE_PAGE_SECONDS", default=1.0)
CATALOGUE_COUNT_SECONDS: float = env.float("CATALOGUE_COUNT_SECONDS", default=5.0)
# How old a public page may be that is given out while the database is away.
CATALOGUE_SPARE_SECONDS: float = env.float("CATALOGUE_SPARE_SECONDS", default=300.0)
# What it may take in all, and a single value of it, in bytes.
CATALOGUE_MEMORY_BYTES: int = env.int("CATALOGUE_MEMORY_BYTES", default=32 * 1024 * 1024)
CATALOGUE_ENTRY_BYTES: int = env.int("CATALOGUE_ENTRY_BYTES", default=256 * 1024)
# How long browsers and proxies may keep what is nobody's in particular, in seconds.
CATALOGUE_MAX_AGE: int = env.int("CATALOGUE_MAX_AGE", default=1)

# How long a worker's claim on a row holds: longer than working one row takes, time-outs included,
# and short enough that what a killed worker leaves is taken up within a minute.
LEASE = timedelta(seconds=env.float("LEASE_SECONDS", default=25))
MAIL_LEASE = timedelta(seconds=env.float("MAIL_LEASE_SECONDS", default=50))

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 90
# A worker's connection to PostgreSQL is ours to end (`learnflow.celery`): after
# DATABASE_CONN_MAX_AGE, as everywhere, and not after each task, as Celery would.
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 1
# A black-holed broker must not hold a request: a nudge gives up at once, the sweep comes anyway.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    # A worker notices twice so many seconds later that Redis stopped answering on an open
    # connection, and makes a new one.
    "health_check_interval": 5,
    "visibility_timeout": 300,
    "global_keyprefix": "lf-celery:",
}
CELERY_TIMEZONE = "UTC"
CELERY_TASK_QUEUES = queues.declare_queues()
CELERY_TASK_DEFAULT_QUEUE = queues.DEFAULT
# A misspelt queue is an error where it is written, not a list that nobody reads.
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ROUTES = [queues.route]
CELERY_BEAT_SCHEDULER = "learnflow.beat:ForgetfulScheduler"
# Who has to give signs of life (`core.heartbeats`).
WATCHED_PROCESSES: list[str] = [*(f"worker-{name}" for name in queues.PROCESSES), "beat"]
# Touched by a worker or beat while it is alive, for the check of its container.
ALIVE_FILE: str = env.str("ALIVE_FILE", default="")
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = schedule.plan_beat()
# What is done once a day or an hour (`core.jobs`).
JOBS = schedule.JOBS

# --- People, passwords and tokens (plan 5.1 and 9.1, contract "Accounts") ---------------------
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
JWT_SECRET: str = env.str("JWT_SECRET", default="") or SECRET_KEY
SIMPLE_JWT: dict[str, Any] = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ALGORITHM": env.str("JWT_ALGORITHM", default="HS256"),
    "SIGNING_KEY": JWT_SECRET,
    "AUTH_HEADER_TYPES": ("Bearer",),
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "user_id",
    "UPDATE_LAST_LOGIN": False,
}
# Two tabs may refresh with the same token within this time and get the same successor.
REFRESH_REUSE_GRACE = timedelta(seconds=10)
# How long the links in mails work.
PASSWORD_RESET_TIMEOUT = 60 * 60
EMAIL_VERIFICATION_TIMEOUT = timedelta(days=3)
# Of a cookie without TLS; over TLS it is `__Host-learnflow_refresh`, for the path "/".
REFRESH_COOKIE_NAME = "learnflow_refresh"
REFRESH_COOKIE_PATH = "/api/v1/auth/"
REFRESH_COOKIE_SECURE: bool = env.bool("REFRESH_COOKIE_SECURE", default=not DEBUG)
REFRESH_COOKIE_SAMESITE: str = env.str("REFRESH_COOKIE_SAMESITE", default="Lax")

# --- The REST framework -----------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["users.authentication.SessionJWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["api.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "api.pagination.PagePagination",
    "DEFAULT_SCHEMA_CLASS": "api.schema.LearnFlowSchema",
    "DEFAULT_THROTTLE_CLASSES": ["api.throttling.RateThrottle"],
    "EXCEPTION_HANDLER": "api.exceptions.handle_exception",
    "DEFAULT_METADATA_CLASS": "api.metadata.PlainMetadata",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.renderers.AlwaysJSON",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": False,
    "PAGE_SIZE": 20,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# "none" switches a throttle off (contract "Accounts"); the plan's rates are the defaults.
THROTTLE_RATES: dict[str, str] = {
    "anon": env.str("THROTTLE_ANON", default="100/hour"),
    "user": env.str("THROTTLE_USER", default="1000/hour"),
    "catalogue": env.str("THROTTLE_CATALOGUE", default="600/min"),
    "login": env.str("THROTTLE_LOGIN", default="5/hour"),
    "register": env.str("THROTTLE_REGISTER", default="20/hour"),
    "refresh": env.str("THROTTLE_REFRESH", default="60/min"),
    "payment": env.str("THROTTLE_PAYMENT", default="5/hour"),
    "coupon": env.str("THROTTLE_COUPON", default="20/hour"),
    "verify": env.str("THROTTLE_VERIFY", default="60/min"),
    "mail": env.str("THROTTLE_MAIL", default="5/hour"),
    "import": env.str("THROTTLE_IMPORT", default="100/day"),
    "upload": env.str("THROTTLE_UPLOAD", default="500/day"),
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "LearnFlow API",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SORT_OPERATIONS": False,
    "ENUM_NAME_OVERRIDES": {
        "CourseStatusEnum": "courses.models.Course.Status",
        "OrderStatusEnum": "orders.models.Order.Status",
        "RefundStatusEnum": "payments.models.Refund.Status",
        "RefundRequestStatusEnum": "payments.models.RefundRequest.Status",
        "MovementKindEnum": "payments.selectors.earnings.ENTRY_KINDS",
        "CheckEnum": [("ok", "ok"), ("error", "error")],
    },
    "PREPROCESSING_HOOKS": ["api.schema.only_the_api"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

# --- Authoring (contract "Catalogue") -----------------------------------------------------------
# On: what instructors publish goes to staff for review first.
COURSE_MODERATION: bool = env.bool("COURSE_MODERATION", default=False)
# What one course may hold: lessons, and the bytes of all texts of its sections and lessons.
COURSE_MAX_LESSONS: int = env.int("COURSE_MAX_LESSONS", default=1_000)
COURSE_MAX_BYTES: int = env.int("COURSE_MAX_BYTES", default=2 * 1024 * 1024)
# What one instructor may have: courses in all, those that aren't published among them, and the
# bytes of all files of their lessons. (Imports and uploads a day: THROTTLE_RATES.)
INSTRUCTOR_MAX_COURSES: int = env.int("INSTRUCTOR_MAX_COURSES", default=1_000)
INSTRUCTOR_MAX_DRAFTS: int = env.int("INSTRUCTOR_MAX_DRAFTS", default=200)
INSTRUCTOR_FILES_MAX_BYTES: int = env.int("INSTRUCTOR_FILES_MAX_BYTES", default=5 * 1024**3)
# Of a curriculum that takes more, a course's page has the beginning.
COURSE_PAGE_BYTES: int = env.int("COURSE_PAGE_BYTES", default=192 * 1024)

# --- Money (contract "Orders and payments") ----------------------------------------------------
CURRENCY: str = env.str("CURRENCY", default="usd").lower()
ORDER_EXPIRY = timedelta(hours=env.int("ORDER_EXPIRY_HOURS", default=24))
REFUND_WINDOW = timedelta(days=env.int("REFUND_WINDOW_DAYS", default=30))
# Of a course, in percent: who learned more can't ask for a refund.
REFUND_MAX_PROGRESS_PERCENT: int = env.int("REFUND_MAX_PROGRESS_PERCENT", default=30)
# Who hears of disputes, failed refunds and the like; empty: active staff who may see them.
STAFF_ALERT_EMAILS: list[str] = env.list("STAFF_ALERT_EMAILS", default=[])
STRIPE_PUBLIC_KEY: str = env.str("STRIPE_PUBLIC_KEY", default="")
STRIPE_SECRET_KEY: str = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRETS: list[str] = env.list("STRIPE_WEBHOOK_SECRET", default=[])
STRIPE_API_BASE: str = env.str("STRIPE_API_BASE", default="")
# Which Stripe's answers have the form of, whatever the account's own is: the one of the SDK.
STRIPE_API_VERSION: str = env.str("STRIPE_API_VERSION", default="2026-10-28.endive")
# How far back the nightly comparison with Stripe goes.
RECONCILE_WINDOW = timedelta(days=env.int("RECONCILE_DAYS", default=3))
# So long what only tells of Stripe's fee of a payment waits in the inbox: a burst of purchases is
# settled by then.
STRIPE_FEE_DELAY = timedelta(seconds=env.float("STRIPE_FEE_DELAY_SECONDS", default=5.0))
STRIPE_TIMEOUT_SECONDS: float = env.float("STRIPE_TIMEOUT_SECONDS", default=5.0)
# All of a request's calls together.
STRIPE_DEADLINE_SECONDS: float = env.float("STRIPE_DEADLINE_SECONDS", default=5.0)
# Calls under way at once: two of a web process' threads are left for everybody else. A worker asks
# about many purchases together.
STRIPE_CONCURRENCY: int = env.int(
    "STRIPE_CONCURRENCY", default=max(1, env.int("WEB_THREADS", default=8) - 2)
)
STRIPE_WORKER_CONCURRENCY: int = env.int("STRIPE_WORKER_CONCURRENCY", default=40)

# An order may cost nothing or at least this; None, or less than it: what Stripe takes in CURRENCY.
_MINIMUM_CHARGE: str = env.str("MINIMUM_CHARGE", default="")
MINIMUM_CHARGE = Decimal(_MINIMUM_CHARGE) if _MINIMUM_CHARGE else None
# The most that is charged at once; None, or more than that: what Stripe takes in CURRENCY, however
# it is paid.
_MAXIMUM_CHARGE: str = env.str("MAXIMUM_CHARGE", default="")
MAXIMUM_CHARGE = Decimal(_MAXIMUM_CHARGE) if _MAXIMUM_CHARGE else None
# Who sells, as receipts and credit notes name them; the address may have several lines (\n).
SELLER_NAME: str = env.str("SELLER_NAME", default="LearnFlow")
SELLER_ADDRESS: str = env.str("SELLER_ADDRESS", default="").replace("\\n", "\n")
SELLER_TAX_ID: str = env.str("SELLER_TAX_ID", default="")
# Which taxes a sale bears: a dotted path, and what `orders.taxes.rate_by_country` goes by.
TAX_RULE: str = env.str("TAX_RULE", default="orders.taxes.no_tax")
TAX_RATES: dict[str, Decimal] = {
    country.upper(): Decimal(percent)
    for country, percent in env.dict("TAX_RATES", default={}).items()
}

# --- What instructors earn, and how they are paid ------------------------------------------------
# Of a course's price after discount and before tax, where the course has no share of its own.
INSTRUCTOR_SHARE_PERCENT: int = env.int("INSTRUCTOR_SHARE_PERCENT", default=70)
# How long a sale's earnings wait before they can be paid out.
EARNINGS_HOLD = timedelta(days=env.int("EARNINGS_HOLD_DAYS", default=30))
# On: instructors are paid by Stripe Connect, as soon as they are owed this much.
STRIPE_CONNECT: bool = env.bool("STRIPE_CONNECT", default=False)
# Where our own Stripe account is: it decides to which countries instructors can be paid.
STRIPE_PLATFORM_COUNTRY: str = env.str("STRIPE_PLATFORM_COUNTRY", default="US")
PAYOUT_MINIMUM = Decimal(env.str("PAYOUT_MINIMUM", default="10.00"))

# --- Mail -------------------------------------------------------------------------------------
EMAIL_HOST: str = env.str("EMAIL_HOST", default="")
# Port 465 is spoken encrypted from the first byte (SSL), 587 from the command STARTTLS on (TLS).
_SSL: bool = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_PORT: int = env.int("EMAIL_PORT", default=465 if _SSL else 587)
EMAIL_USE_SSL: bool = env.bool("EMAIL_USE_SSL", default=EMAIL_PORT == 465)
EMAIL_USE_TLS: bool = env.bool("EMAIL_USE_TLS", default=not EMAIL_USE_SSL)
EMAIL_HOST_USER: str = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD: str = env.str("EMAIL_HOST_PASSWORD", default="")
# For the connection, and for each answer of the server.
EMAIL_TIMEOUT: float = env.float("EMAIL_TIMEOUT", default=10.0)
EMAIL_FILE_PATH: str = env.str("EMAIL_FILE_PATH", default=str(BASE_DIR / ".local" / "mail"))
EMAIL_BACKEND: str = env.str(
    "EMAIL_BACKEND",
    default="django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "notifications.backends.FileBackend",
)
DEFAULT_FROM_EMAIL: str = env.str(
    "DEFAULT_FROM_EMAIL", default="LearnFlow <noreply@learnflow.test>"
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Files ------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT: str = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
MEDIA_URL = "/media/"
MEDIA_ROOT: str = env.str("MEDIA_ROOT", default=str(BASE_DIR / ".local" / "media"))
SERVE_MEDIA: bool = env.bool("SERVE_MEDIA", default=False)
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Files that only an access check may hand out (certificates): never below MEDIA_URL.
    "private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": env.str("PRIVATE_MEDIA_ROOT", default=f"{MEDIA_ROOT.rstrip('/')}-private"),
            # A certificate made anew takes the place of the one before.
            "allow_overwrite": True,
        },
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# Where files are on S3: how long one answer of it may take, and how long nobody asks after none.
S3_TIMEOUT_SECONDS: float = env.float("S3_TIMEOUT_SECONDS", default=4.0)
S3_PAUSE_SECONDS: float = env.float("S3_PAUSE_SECONDS", default=5.0)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# How long a request waits for its turn where a process does heavy work one by one: unpacking
# pictures, reading course files. Then it is answered 503.
HEAVY_WAIT_SECONDS: float = env.float("HEAVY_WAIT_SECONDS", default=5.0)
PROFILE_PICTURE_MAX_BYTES = 5 * 1024 * 1024
COURSE_THUMBNAIL_MAX_BYTES: int = env.int("COURSE_THUMBNAIL_MAX_BYTES", default=5 * 1024 * 1024)
# One file of a lesson.
LESSON_FILE_MAX_BYTES: int = env.int("LESSON_FILE_MAX_BYTES", default=20 * 1024 * 1024)
# A whole course as one file; unpacked, a ZIP may hold twice as much.
COURSE_FILE_MAX_BYTES: int = env.int("COURSE_FILE_MAX_BYTES", default=5 * 1024 * 1024)

# --- Search (docs/search.md) --------------------------------------------------------------------
SEARCH_ENGINE: str = env.str("SEARCH_ENGINE", default="courses.search.postgres.PostgresEngine")
# How long a process may remember what a search found; 0 looks each time.
SEARCH_REMEMBER_SECONDS: float = env.float("SEARCH_REMEMBER_SECONDS", default=2.0)
# A search is popular from this many visitors within the last days on.
SEARCH_POPULAR_VISITORS: int = env.int("SEARCH_POPULAR_VISITORS", default=3)
SEARCH_POPULAR_DAYS: int = env.int("SEARCH_POPULAR_DAYS", default=7)

# --- Time and language ------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LANGUAGE_CODE = "en"

# --- Security (plan 9.2) ----------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
# The admin's: a working day, counted from signing in.
SESSION_COOKIE_AGE = 12 * 60 * 60
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")

# --- Logging: one line per record (`core.logging`) ---------------------------------------------
LOG_LEVEL: str = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT: str = env.str("LOG_FORMAT", default="text")
LOGGING: dict[str, Any] = describe_logging(level=LOG_LEVEL, form=LOG_FORMAT)
