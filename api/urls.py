"""Where everything hangs: the versioned API, its documentation, health and metrics."""

from django.urls import include, path, re_path

from api.docs import RedocView, SchemaView, SwaggerView
from api.exceptions import not_found
from api.urls_health import health
from core import views as core_views

urlpatterns = [
    path("api/v1/", include("api.v1.urls")),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/redoc/", RedocView.as_view(url_name="schema"), name="redoc"),
    path("health/", include(health)),
    path("metrics", core_views.metrics, name="metrics"),
    # Unknown paths below /api/ answer in the error shape even while DEBUG is on.
    re_path(r"^api/", not_found),
]
