"""Search over courses, instructors and categories (plan 4.10)."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, TypedDict

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.v1.catalogue.pages import show_courses
from api.v1.catalogue.serializers import CategorySerializer, CourseRowSerializer
from core.serializers import ApiSerializer
from core.urls import media_url
from courses import selectors as course_selectors
from courses.permissions import Viewer
from users import selectors as user_selectors

PAGE_SIZE = 20
# Beyond it no table has rows, and PostgreSQL's offset would overflow: past the end, like any other.
MAX_PAGE = 1_000_000


class SearchQuery(ApiSerializer):
    """What to search for."""

    q = serializers.CharField(max_length=200, help_text="Words; misspelt ones find courses too.")
    type = serializers.ChoiceField(
        choices=["course", "instructor", "category"],
        required=False,
        help_text="Fill this one only; the others stay empty.",
    )
    page = serializers.IntegerField(
        min_value=1, default=1, help_text="Pages (of 20) the one named by `type`."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["page"] > 1 and "type" not in attrs:
            raise serializers.ValidationError({"page": ["Needs `type`: it pages one kind."]})
        return attrs


class InstructorFoundSerializer(ApiSerializer):
    """An instructor among the results."""

    id = serializers.UUIDField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    bio = serializers.CharField(allow_blank=True)
    profile_picture = serializers.URLField(allow_null=True)


class CoursesFoundSerializer(ApiSerializer):
    """How many courses match, and one page of them."""

    count = serializers.IntegerField()
    results = CourseRowSerializer(many=True)


class InstructorsFoundSerializer(ApiSerializer):
    """How many instructors match, and one page of them."""

    count = serializers.IntegerField()
    results = InstructorFoundSerializer(many=True)


class CategoriesFoundSerializer(ApiSerializer):
    """How many categories match, and one page of them."""

    count = serializers.IntegerField()
    results = CategorySerializer(many=True)


class SearchSerializer(ApiSerializer):
    """The results, always of all three kinds."""

    courses = CoursesFoundSerializer()
    instructors = InstructorsFoundSerializer()
    categories = CategoriesFoundSerializer()


class Found(TypedDict):
    """How many match, and one page of them."""

    count: int
    results: Sequence[Any]


Finder = Callable[[str, int, Viewer], Found]


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
            "of them, and `page` pages it."
        ),
        parameters=[SearchQuery],
        responses={200: SearchSerializer},
        examples=[
            OpenApiExample(
                "Nothing found",
                value={
                    kind: {"count": 0, "results": []}
                    for kind in ("courses", "instructors", "categories")
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        query = SearchQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        return Response(search(viewer=request.user, **query.validated_data))


def search(*, q: str, page: int, viewer: Viewer, type: str | None = None) -> dict[str, Found]:  # noqa: A002
    """Return what matches `q`, by kind. Raises NotFound for a page past the end.

    Two queries a kind (count and page); three more for the flags of a viewer who is signed in.
    """
    if page > MAX_PAGE:
        raise NotFound("Invalid page.")
    found: dict[str, Found] = {}
    for kind, (key, find) in _KINDS.items():
        if type in (None, kind):
            found[key] = find(q, (page - 1) * PAGE_SIZE, viewer)
            if page > 1 and not found[key]["results"]:
                raise NotFound("Invalid page.")
        else:
            found[key] = {"count": 0, "results": []}
    return found


def _find_courses(q: str, offset: int, viewer: Viewer) -> Found:
    matches = course_selectors.match_courses(course_selectors.list_published(), text=q)
    rows = _slice(matches, offset)
    return {"count": matches.count(), "results": show_courses(rows, viewer=viewer)}


def _find_instructors(q: str, offset: int, viewer: Viewer) -> Found:
    count, rows = user_selectors.search_instructors(q=q, limit=PAGE_SIZE, offset=offset)
    shown = [{**asdict(row), "profile_picture": media_url(row.profile_picture)} for row in rows]
    return {"count": count, "results": shown}


def _find_categories(q: str, offset: int, viewer: Viewer) -> Found:
    matches = course_selectors.search_categories(q=q)
    return {"count": matches.count(), "results": list(_slice(matches, offset))}


def _slice(rows: QuerySet[Any, Any], offset: int) -> QuerySet[Any, Any]:
    return rows[offset : offset + PAGE_SIZE]


_KINDS: dict[str, tuple[str, Finder]] = {
    "course": ("courses", _find_courses),
    "instructor": ("instructors", _find_instructors),
    "category": ("categories", _find_categories),
}
