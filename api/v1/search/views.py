"""Search, suggestions while typing, and popular searches (plan 4.10, contract "Catalogue")."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from api.v1.catalogue.answers import answer
from api.v1.search import examples
from api.v1.search.results import count_found, search
from api.v1.search.serializers import (
    PopularSearchesSerializer,
    SearchQuery,
    SearchSerializer,
    SuggestionsSerializer,
    SuggestQuery,
)
from api.v1.search.visitors import record
from courses import selectors


class SearchView(APIView):
    """One box for everything."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"

    @extend_schema(
        operation_id="search",
        tags=["Search"],
        summary="Search",
        description=(
            "Courses, instructors and categories that match, each with its count; `type` fills one "
            "of them, and `page` pages it. Courses match by words of title, summary, description, "
            'category and instructor in the course\'s language, the best first; `"phrases"`, `or` '
            "and `-without` are understood, and typing errors forgiven: then `did_you_mean` says "
            "what was looked for."
        ),
        parameters=[SearchQuery],
        responses={200: SearchSerializer},
        examples=[examples.FOUND, examples.NOTHING_FOUND],
    )
    def get(self, request: Request) -> HttpResponse:
        query = SearchQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        results = search(viewer=request.user, **query.validated_data)
        if query.validated_data["page"] == 1:
            record(request, text=query.validated_data["q"], found=bool(count_found(results)))
        return answer(request, results)


class SuggestView(APIView):
    """What somebody may be about to type."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"

    @extend_schema(
        operation_id="search_suggest",
        tags=["Search"],
        summary="Suggestions while typing",
        description=(
            "At most ten: popular searches, categories, courses and instructors that begin like "
            "what was typed; courses also when a word of it is misspelt. Ask at pauses in typing."
        ),
        parameters=[SuggestQuery],
        responses={200: SuggestionsSerializer},
        examples=[examples.SUGGESTIONS],
    )
    def get(self, request: Request) -> HttpResponse:
        query = SuggestQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = selectors.suggest(text=query.validated_data["q"])
        rows = [
            {"type": one.kind, "text": one.text, "id": one.id, "slug": one.slug} for one in found
        ]
        return answer(request, {"results": rows})


class PopularSearchesView(APIView):
    """What others search for."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"

    @extend_schema(
        operation_id="search_popular",
        tags=["Search"],
        summary="Popular searches",
        description=(
            "What most visitors searched for within the last days and found; at most ten, and none "
            "that only a few made or that look like somebody's data."
        ),
        responses={200: PopularSearchesSerializer},
        examples=[examples.POPULAR],
    )
    def get(self, request: Request) -> HttpResponse:
        popular = selectors.list_popular(limit=10)
        rows = [{"query": query, "count": visitors} for query, visitors in popular]
        return answer(request, {"results": rows})
