"""What OPTIONS says of an operation."""

from typing import TYPE_CHECKING, Any

from rest_framework.metadata import SimpleMetadata
from rest_framework.request import Request

if TYPE_CHECKING:
    # The framework's views name this very class.
    from rest_framework.views import APIView


class PlainMetadata(SimpleMetadata):
    """Name, description and media types. Of fields only the schema tells: the framework would ask
    each view for its serializer and its object here, which a view of several kinds of them, or of
    none, can't answer without a request to act on."""

    def determine_metadata(self, request: Request, view: "APIView") -> dict[str, Any]:
        return {
            "name": view.get_view_name(),
            "description": view.get_view_description(),
            "renders": [renderer.media_type for renderer in view.renderer_classes],
            "parses": [parser.media_type for parser in view.parser_classes],
        }
