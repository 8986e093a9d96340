"""Categories, courses and their pages (plan 4.3, 4.10)."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from api.v1.catalogue import examples
from api.v1.catalogue.answers import answer
from api.v1.catalogue.detail import get_lesson_page
from api.v1.catalogue.pages import with_flags
from api.v1.catalogue.query import (
    CourseListParameters,
    PageParameters,
    read_page_numbers,
    read_query,
    select_read,
)
from api.v1.catalogue.reading import read_course, read_featured, read_list
from api.v1.catalogue.related import list_related
from api.v1.catalogue.serializers import (
    CategoryListSerializer,
    CourseDetailSerializer,
    CourseLessonPageSerializer,
    CoursePageSerializer,
    CourseRowSerializer,
    RelatedCourseListSerializer,
)
from api.v1.search.listing import show_searched
from api.v1.search.visitors import record
from courses import selectors
from courses.models import Course

_NOT_FOUND = OpenApiResponse(description="`COURSE_NOT_FOUND`: unknown, or not the viewer's to see")


class CategoriesView(APIView):
    """The shelves of the catalogue."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"

    @extend_schema(
        operation_id="categories_list",
        tags=["Catalogue"],
        summary="Categories",
        description="All categories in their order, each with the number of its published courses.",
        responses={200: CategoryListSerializer},
        examples=[examples.CATEGORIES],
    )
    def get(self, request: Request) -> HttpResponse:
        return answer(request, {"results": list(selectors.list_categories())})


class CoursesView(GenericAPIView[Course]):
    """The catalogue."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"
    queryset = Course.objects.none()
    serializer_class = CourseRowSerializer

    @extend_schema(
        operation_id="courses_list",
        tags=["Catalogue"],
        summary="Courses",
        description=(
            "Published courses, filtered and ordered. `enrolled`, `in_cart` and `in_wishlist` are "
            "the viewer's, and false when nobody is signed in. Beyond page 500, `next` is a cursor."
        ),
        parameters=[CourseListParameters],
        responses={
            200: CoursePageSerializer,
            404: OpenApiResponse(description="There is no such page"),
            422: OpenApiResponse(description="A filter's value or the ordering isn't known"),
        },
        examples=[examples.COURSE_PAGE],
    )
    def get(self, request: Request) -> HttpResponse:
        given = request.query_params.dict()
        if not given.get("search"):
            return answer(request, read_list(request.user, given).data)
        given = select_read(given)
        query = read_query(given)
        body = show_searched(query, viewer=request.user, path=request.path, given=given)
        if query.page == 1:
            record(request, text=query.search, found=bool(body["count"]))
        return answer(request, body)


class FeaturedCoursesView(GenericAPIView[Course]):
    """What staff put forward."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"
    queryset = Course.objects.none()
    serializer_class = CourseRowSerializer

    @extend_schema(
        operation_id="courses_featured",
        tags=["Catalogue"],
        summary="Featured courses",
        description="Published courses that staff put forward, the most popular first.",
        responses={200: CourseRowSerializer(many=True)},
        examples=[examples.COURSE_ROW],
    )
    def get(self, request: Request) -> HttpResponse:
        return answer(request, read_featured(request.user, request.query_params.dict()).data)


class CourseView(APIView):
    """The page of one course."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"

    @extend_schema(
        operation_id="courses_retrieve",
        tags=["Catalogue"],
        summary="A course",
        description=(
            "The course with this id or slug. An unpublished one is there for its instructor, "
            "staff, those enrolled, and those whose money for it is on its way. `video_url` and "
            "`resources` are null for lessons that are neither previews nor open to the viewer."
        ),
        responses={200: CourseDetailSerializer, 404: _NOT_FOUND},
        examples=[examples.COURSE_DETAIL],
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        reading = read_course(request.user, reference)
        return answer(request, reading.data, last_modified=reading.last_modified)


class CourseLessonsView(APIView):
    """The lessons of one course, by pages."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"

    @extend_schema(
        operation_id="courses_lessons",
        tags=["Catalogue"],
        summary="Lessons of a course",
        description=(
            "In the order in which they are learned, as on the course's page, each with its "
            "section. For a curriculum that is too long for that page; see `curriculum_next`."
        ),
        parameters=[PageParameters],
        responses={
            200: CourseLessonPageSerializer,
            404: OpenApiResponse(description="`COURSE_NOT_FOUND`, or there is no such page"),
            422: OpenApiResponse(description="`page` or `page_size` is no positive integer"),
        },
        examples=[examples.LESSON_PAGE],
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        page, page_size = read_page_numbers(request.query_params)
        found = get_lesson_page(
            reference=reference, viewer=request.user, page=page, page_size=page_size
        )
        return answer(request, found)


class RelatedCoursesView(APIView):
    """What to look at next."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"

    @extend_schema(
        operation_id="courses_related",
        tags=["Catalogue"],
        summary="Related courses",
        description=(
            "At most eight: those with the most learners in common, then the most popular of the "
            "same category. Each says why it is there."
        ),
        responses={200: RelatedCourseListSerializer, 404: _NOT_FOUND},
        examples=[examples.RELATED],
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        cards = list_related(reference=reference, viewer=request.user)
        return answer(request, {"results": with_flags(cards, viewer=request.user)})
