"""Where everything hangs: the versioned API, its documentation, health and metrics."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from api.exceptions import not_found
from api.urls_health import health
from core import views as core_views

urlpatterns = [
    path("api/v1/", include("api.v1.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/redoc/", SpectacularRedocView.as_view(url_name="schema"), name="redoc"),
    path("health/", include(health)),
    path("metrics", core_views.metrics, name="metrics"),
    # Unknown paths below /api/ answer in the error shape even while DEBUG is on.
    re_path(r"^api/", not_found),
]
