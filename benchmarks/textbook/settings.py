"""Settings of the textbook: what `startproject` and the frameworks' guides lead to.

The product's apps are loaded with their models, and look for the product's settings as they start:
it has all of them, and beneath states for itself whatever has a part in answering a request.
"""

from datetime import timedelta

from learnflow.settings.base import *  # noqa: F403
from learnflow.settings.base import DATABASES, env

DEBUG = False
ROOT_URLCONF = "benchmarks.textbook.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
MEDIA_URL = "/media/"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Connections are kept and checked, as the product's are.
DATABASES = {"default": {**DATABASES["default"], "CONN_MAX_AGE": 60}}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "benchmarks.textbook.pagination.CustomPagination",
    "COERCE_DECIMAL_TO_STRING": False,
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "SIGNING_KEY": env.str("JWT_SECRET"),
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "user_id",
}
