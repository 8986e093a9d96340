"""Every route of /api/v1/, in one table."""

from django.urls import include, path

from api.urls_health import health

urlpatterns = [
    path("health/", include(health)),
]
