"""The test suite: real PostgreSQL and Redis, fast hashing, nothing outside loopback."""

import atexit
import shutil
import tempfile
from datetime import timedelta

from learnflow.settings.base import *  # noqa: F403
from learnflow.settings.base import CACHES, DATABASES, SIMPLE_JWT, THROTTLE_RATES, env
from learnflow.settings.published_keys import TESTING_KEY

SECRET_KEY = TESTING_KEY
JWT_SECRET = SECRET_KEY
SIMPLE_JWT = {**SIMPLE_JWT, "SIGNING_KEY": SECRET_KEY}
INVENTED_DATA_ALLOWED = True
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
API_BASE_URL = "http://testserver"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REFRESH_COOKIE_SECURE = False
SERVE_MEDIA = True

# Each xdist worker has its own keys in the one Redis; the worker's name comes from pytest-xdist.
CACHES["default"]["KEY_PREFIX"] = f"lf-test-{env.str('PYTEST_XDIST_WORKER', default='main')}"
# A test sees what it has just written; the memory is tested where it is switched on.
CATALOGUE_PAGE_SECONDS = 0.0
CATALOGUE_COUNT_SECONDS = 0.0
# A busy machine answers late, and what Redis doesn't count in time is lost without a word. Tests
# that measure how long somebody waits set these themselves.
REDIS_TIMEOUT_SECONDS = 30.0
CACHES["default"]["OPTIONS"]["SOCKET_CONNECT_TIMEOUT"] = REDIS_TIMEOUT_SECONDS
CACHES["default"]["OPTIONS"]["SOCKET_TIMEOUT"] = REDIS_TIMEOUT_SECONDS
DATABASES["default"]["OPTIONS"]["connect_timeout"] = 60
HEAVY_WAIT_SECONDS = 300.0
# One slow answer of a busy machine is nothing to the tests that follow; pauses are tested alone.
REDIS_PAUSE_SECONDS = 0.0
# A test's threads are more than a web process'.
STRIPE_CONCURRENCY = 64
# Whoever tells of a fee wants it booked at once; the waiting is tested alone.
STRIPE_FEE_DELAY = timedelta()
# Tests run no workers; where they do, they say so.
WATCHED_PROCESSES = []
# Throttles are tested where they are switched on.
THROTTLE_RATES = dict.fromkeys(THROTTLE_RATES, "none")

# What one test counted is nothing to the next.
SEARCH_REMEMBER_SECONDS = 0.0

# No collectstatic before tests: files are found where the apps keep them.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True

_FILES = tempfile.mkdtemp(prefix="learnflow-test-")
atexit.register(shutil.rmtree, _FILES, ignore_errors=True)
MEDIA_ROOT = f"{_FILES}/media"
EMAIL_FILE_PATH = f"{_FILES}/mail"
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT},
    },
    "private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": f"{_FILES}/private", "allow_overwrite": True},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
