"""The plan's pages (10.4)."""

from typing import Any

from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response


class CustomPagination(PageNumberPagination):
    """Page numbers with the totals beside them."""

    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

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


class SearchPagination(PageNumberPagination):
    """A page of one kind of the search's results (4.10)."""

    page_size = 20

    def get_paginated_response(self, data: Any) -> Response:
        page: Any = self.page
        nothing: dict[str, Any] = {"count": 0, "results": []}
        return Response(
            {
                "courses": {"count": page.paginator.count, "results": data},
                "instructors": nothing,
                "categories": nothing,
                "did_you_mean": None,
            }
        )
