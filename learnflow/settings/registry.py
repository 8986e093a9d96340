"""Every variable of the environment that the product reads, with what its value must be.

Whoever reads a new one adds it here, to `.env.example` and to the table of docs/operations.md;
`learnflow/tests/test_registry.py` compares the four.
"""

from dataclasses import dataclass

from learnflow.settings import kinds, servers
from learnflow.settings.kinds import Kind, each, number, one_of, text, whole

_SECONDS = number("0", "86400")
# What a time-out of 0 would mean differs from library to library.
_PATIENCE = number("0.05", "600")
_PERCENT = whole(0, 100)
_DAYS = whole(1, 3650)
_BYTES = whole(1024, 1024**3)
_MONEY = number("0", "999999.99", places=2)


@dataclass(frozen=True)
class Setting:
    """A variable. Its value must be of this kind unless it is empty, which means "not configured".

    One that is `required` must be there in production. What is secret, or has a password in it, is
    never shown.
    """

    name: str
    kind: Kind
    required: bool = False
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    # --- This installation
    Setting("SECRET_KEY", text, required=True, secret=True),
    Setting("JWT_SECRET", text, secret=True),
    Setting("JWT_ALGORITHM", one_of("HS256", "HS384", "HS512")),
    Setting("DEBUG", kinds.switch),
    Setting("ALLOWED_HOSTS", each(kinds.served_host), required=True),
    Setting("API_BASE_URL", kinds.address, required=True),
    Setting("FRONTEND_URL", kinds.address, required=True),
    Setting("CORS_ALLOWED_ORIGINS", each(kinds.allowed_origin)),
    Setting("CSRF_TRUSTED_ORIGINS", each(kinds.origin)),
    Setting("TRUSTED_PROXIES", each(kinds.network)),
    Setting("ENVIRONMENT", kinds.label),
    Setting("LOG_LEVEL", one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")),
    Setting("LOG_FORMAT", one_of("text", "json")),
    Setting("METRICS_TOKEN", kinds.token, secret=True),
    Setting("SENTRY_DSN", servers.report_address, secret=True),
    Setting("SENTRY_TRACES_SAMPLE_RATE", number("0", "1")),
    Setting("SECURE_SSL_REDIRECT", kinds.switch),
    Setting("SECURE_HSTS_SECONDS", whole(0, 10 * 31_536_000)),
    Setting("REFRESH_COOKIE_SECURE", kinds.switch),
    Setting("REFRESH_COOKIE_SAMESITE", one_of("Lax", "Strict", "None")),
    # --- Processes
    Setting("BIND", each(kinds.listening)),
    Setting("WEB_CONCURRENCY", whole(1, 256)),
    Setting("WEB_THREADS", whole(1, 256)),
    Setting("WORKER_CONCURRENCY", whole(1, 256)),
    Setting("SLOW_WAITS", whole(1, 256)),
    Setting("WORKER_GROUPS", kinds.worker_groups),
    Setting("ALIVE_FILE", kinds.file),
    # --- PostgreSQL and Redis
    Setting("DATABASE_URL", servers.database, required=True, secret=True),
    Setting("DATABASE_CONN_MAX_AGE", whole(0, 86_400)),
    Setting("DATABASE_CONNECT_TIMEOUT", whole(1, 60)),
    Setting("DATABASE_POOLED", kinds.switch),
    Setting("DATABASE_STATEMENT_SECONDS", _SECONDS),
    Setting("DATABASE_LOCK_SECONDS", _SECONDS),
    Setting("DATABASE_WORKER_STATEMENT_SECONDS", _SECONDS),
    Setting("DATABASE_PAUSE_SECONDS", _SECONDS),
    Setting("REDIS_URL", servers.redis, required=True, secret=True),
    Setting("REDIS_TIMEOUT_SECONDS", _PATIENCE),
    Setting("REDIS_PAUSE_SECONDS", _SECONDS),
    Setting("LEASE_SECONDS", number("1", "3600")),
    Setting("MAIL_LEASE_SECONDS", number("1", "3600")),
    # --- Stripe and money
    Setting("STRIPE_SECRET_KEY", kinds.beginning("sk_", "rk_"), secret=True),
    Setting("STRIPE_PUBLIC_KEY", kinds.beginning("pk_")),
    Setting("STRIPE_WEBHOOK_SECRET", each(kinds.beginning("whsec_")), secret=True),
    Setting("STRIPE_API_BASE", kinds.address),
    Setting("STRIPE_API_VERSION", kinds.stripe_version),
    Setting("STRIPE_TIMEOUT_SECONDS", _PATIENCE),
    Setting("STRIPE_DEADLINE_SECONDS", _PATIENCE),
    Setting("STRIPE_CONCURRENCY", whole(1, 256)),
    Setting("STRIPE_WORKER_CONCURRENCY", whole(1, 256)),
    Setting("STRIPE_FEE_DELAY_SECONDS", _SECONDS),
    Setting("STRIPE_CONNECT", kinds.switch),
    Setting("STRIPE_PLATFORM_COUNTRY", kinds.country),
    Setting("RECONCILE_DAYS", _DAYS),
    Setting("CURRENCY", kinds.currency),
    Setting("ORDER_EXPIRY_HOURS", whole(1, 24 * 365)),
    Setting("MINIMUM_CHARGE", _MONEY),
    Setting("MAXIMUM_CHARGE", number("1", "99999999.99", places=2)),
    Setting("TAX_RULE", kinds.dotted),
    Setting("TAX_RATES", kinds.tax_rates),
    Setting("SELLER_NAME", text),
    Setting("SELLER_ADDRESS", text),
    Setting("SELLER_TAX_ID", text),
    Setting("REFUND_WINDOW_DAYS", whole(0, 3650)),
    Setting("REFUND_MAX_PROGRESS_PERCENT", _PERCENT),
    Setting("STAFF_ALERT_EMAILS", each(kinds.mailbox)),
    Setting("INSTRUCTOR_SHARE_PERCENT", _PERCENT),
    Setting("EARNINGS_HOLD_DAYS", whole(0, 3650)),
    Setting("PAYOUT_MINIMUM", _MONEY),
    # --- Catalogue, search, courses
    Setting("CATALOGUE_PAGE_SECONDS", _SECONDS),
    Setting("CATALOGUE_COUNT_SECONDS", _SECONDS),
    Setting("CATALOGUE_SPARE_SECONDS", _SECONDS),
    Setting("CATALOGUE_MEMORY_BYTES", _BYTES),
    Setting("CATALOGUE_ENTRY_BYTES", _BYTES),
    Setting("CATALOGUE_MAX_AGE", whole(0, 86_400)),
    Setting("SEARCH_ENGINE", kinds.dotted),
    Setting("SEARCH_REMEMBER_SECONDS", _SECONDS),
    Setting("SEARCH_POPULAR_VISITORS", whole(1, 1_000_000)),
    Setting("SEARCH_POPULAR_DAYS", _DAYS),
    Setting("COURSE_MODERATION", kinds.switch),
    Setting("COURSE_THUMBNAIL_MAX_BYTES", _BYTES),
    Setting("COURSE_FILE_MAX_BYTES", _BYTES),
    Setting("LESSON_FILE_MAX_BYTES", _BYTES),
    Setting("HEAVY_WAIT_SECONDS", _SECONDS),
    Setting("COURSE_MAX_LESSONS", whole(1, 20_000)),
    Setting("COURSE_MAX_BYTES", _BYTES),
    Setting("COURSE_PAGE_BYTES", _BYTES),
    Setting("INSTRUCTOR_MAX_COURSES", whole(0, 1_000_000)),
    Setting("INSTRUCTOR_MAX_DRAFTS", whole(0, 1_000_000)),
    Setting("INSTRUCTOR_FILES_MAX_BYTES", whole(0, 1024**5)),
    # --- Mail
    Setting("EMAIL_HOST", kinds.host),
    Setting("EMAIL_PORT", whole(1, 65_535)),
    Setting("EMAIL_USE_TLS", kinds.switch),
    Setting("EMAIL_USE_SSL", kinds.switch),
    Setting("EMAIL_TIMEOUT", _PATIENCE),
    Setting("EMAIL_HOST_USER", kinds.ascii_text),
    Setting("EMAIL_HOST_PASSWORD", kinds.ascii_text, secret=True),
    Setting("EMAIL_BACKEND", kinds.dotted),
    Setting("EMAIL_FILE_PATH", kinds.folder),
    Setting("DEFAULT_FROM_EMAIL", kinds.mailbox),
    # --- Files
    Setting("STATIC_ROOT", kinds.folder),
    Setting("MEDIA_ROOT", kinds.folder),
    Setting("PRIVATE_MEDIA_ROOT", kinds.folder),
    Setting("SERVE_MEDIA", kinds.switch),
    Setting("AWS_STORAGE_BUCKET_NAME", kinds.bucket),
    Setting("AWS_ACCESS_KEY_ID", kinds.token),
    Setting("AWS_SECRET_ACCESS_KEY", kinds.token, secret=True),
    Setting("AWS_S3_REGION_NAME", kinds.region),
    Setting("AWS_S3_ENDPOINT_URL", kinds.address),
    Setting("S3_TIMEOUT_SECONDS", _PATIENCE),
    Setting("S3_PAUSE_SECONDS", _SECONDS),
    # --- Throttles
    Setting("THROTTLE_ANON", kinds.rate),
    Setting("THROTTLE_USER", kinds.rate),
    Setting("THROTTLE_CATALOGUE", kinds.rate),
    Setting("THROTTLE_LOGIN", kinds.rate),
    Setting("THROTTLE_REGISTER", kinds.rate),
    Setting("THROTTLE_REFRESH", kinds.rate),
    Setting("THROTTLE_PAYMENT", kinds.rate),
    Setting("THROTTLE_COUPON", kinds.rate),
    Setting("THROTTLE_VERIFY", kinds.rate),
    Setting("THROTTLE_MAIL", kinds.rate),
    Setting("THROTTLE_IMPORT", kinds.rate),
    Setting("THROTTLE_UPLOAD", kinds.rate),
)
