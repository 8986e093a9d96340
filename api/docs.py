"""The API's documentation: the schema, Swagger UI and ReDoc, all from this machine."""

from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView


class SchemaView(SpectacularAPIView):
    """GET /api/schema/"""

    throttle_scope = "catalogue"


class SwaggerView(SpectacularSwaggerView):
    """GET /api/docs/"""

    throttle_scope = "catalogue"


class RedocView(SpectacularRedocView):
    """GET /api/redoc/"""

    throttle_scope = "catalogue"
    template_name = "api/redoc.html"
