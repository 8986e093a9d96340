"""Where everything hangs: the versioned API, its documentation, health and metrics."""

from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt

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
    # Exempt: without a token of a form, a POST to an unknown path would get Django's page instead.
    re_path(r"^api/", csrf_exempt(not_found)),
]
