"""Pages as in plan 10.4, with the contract's edges."""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import Invalid


class PagePagination(PageNumberPagination):
    """`page` and `page_size` (20, capped at 100). A page past the end is 404; a value that is no
    positive integer is 422."""

    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        for name in (self.page_query_param, self.page_size_query_param):
            check_positive(name, request.query_params.get(name))
        return super().paginate_queryset(queryset, request, view=view)

    def get_page_number(self, request: Request, paginator: Any) -> str:
        return request.query_params.get(self.page_query_param) or "1"

    def get_paginated_response(self, data: Any) -> Response:
        page: Any = self.page
        return Response(
            {
                "count": page.paginator.count,
                "next": self.get_next_link(),
                "previous": self.get_previous_link(),
                "total_pages": page.paginator.num_pages,
                "current_page": page.number,
                "results": data,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        whole = super().get_paginated_response_schema(schema)
        whole["properties"]["total_pages"] = {"type": "integer", "example": 7}
        whole["properties"]["current_page"] = {"type": "integer", "example": 1}
        whole["required"] = [
            "count", "next", "previous", "total_pages", "current_page", "results"
        ]  # fmt: skip
        return whole


def check_positive(name: str, value: str | None) -> None:
    """Raise Invalid, naming the parameter, unless the value is absent or a positive integer; and
    NotFound for a page beyond any table."""
    if value is None:
        return
    # A page beyond any table is past the end, not malformed.
    if not (value.isascii() and value.isdigit()) or int(value[:20]) < 1:
        raise Invalid(f"{name} must be a positive integer", **{name: [f"'{value[:50]}' is not"]})
    if len(value) > 9 and name == "page":
        raise NotFound("Invalid page.")
