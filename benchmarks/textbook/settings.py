"""Settings of the textbook: what `startproject` and the frameworks' guides lead to."""

from datetime import timedelta

import environ

from learnflow.settings import base

env = environ.Env()

# The product's models, and so its tables.
INSTALLED_APPS = base.INSTALLED_APPS
AUTH_USER_MODEL = base.AUTH_USER_MODEL
# The app of orders looks for it when it starts.
TAX_RULE = base.TAX_RULE
SECRET_KEY = env.str("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
API_BASE_URL = env.str("API_BASE_URL")
ROOT_URLCONF = "benchmarks.textbook.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
MEDIA_URL = "/media/"
STORAGES = base.STORAGES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Connections are kept and checked, as the product's are.
DATABASES = {"default": {**base.DATABASES["default"], "CONN_MAX_AGE": 60}}

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
