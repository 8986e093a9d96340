"""The API's documentation: the schema, Swagger UI and ReDoc, all from this machine."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.request import Request

# No script stands in these pages. ReDoc writes its styles as it goes, and works in a worker of its
# own making; its logo of another machine is left alone.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


class SchemaView(SpectacularAPIView):
    """GET /api/schema/"""

    throttle_scope = "catalogue"


class _Page:
    """With a policy of its own in place of every other page's."""

    throttle_scope = "catalogue"

    def finalize_response(self, request: Request, response: Any, *rest: Any, **more: Any) -> Any:
        answer: HttpResponse = super().finalize_response(request, response, *rest, **more)  # type: ignore[misc]
        answer["Content-Security-Policy"] = POLICY
        return answer


class SwaggerView(_Page, SpectacularSwaggerSplitView):
    """GET /api/docs/"""


class RedocView(_Page, SpectacularRedocView):
    """GET /api/redoc/"""

    template_name = "api/redoc.html"
