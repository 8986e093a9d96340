"""Keys that anybody can read in this repository, and that protect nothing for that."""

DEVELOPMENT_KEY = "development-only-key-that-protects-nothing-at-all-000000"
TESTING_KEY = "testing-only-key-that-protects-nothing-at-all-00000000000"

PUBLISHED_KEYS = frozenset({
    DEVELOPMENT_KEY,
    TESTING_KEY,
    # Of the benchmarks, and of the deployment check as it was.
    "only-for-measuring-it-protects-nothing-at-all-0123456789abcdef",
    "only-for-the-deployment-check-it-signs-nothing-at-all-0123456789",
})  # fmt: skip
# What Django, and guides to it, write where a key of one's own belongs; the demo's password.
PLACEHOLDERS = (
    "django-insecure",
    "your-secret",
    "your_secret",
    "change-me",
    "changeme",
    "replace-",
    "learnflow-demo",
    "secret-key",
    "secret_key",
    "password",
    "only-key",
    "only-for-",
)
