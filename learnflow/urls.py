"""Top-level URLs: the API's roof, the admin and, in development, uploaded media."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.static import serve

admin.site.site_header = admin.site.site_title = "LearnFlow"
admin.site.index_title = "What staff run here"

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("", include("api.urls")),
]

if settings.SERVE_MEDIA:
    urlpatterns.insert(
        1, re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT})
    )

handler400 = "api.exceptions.bad_request"
handler403 = "api.exceptions.forbidden"
handler404 = "api.exceptions.not_found"
handler500 = "api.exceptions.server_error"
