"""The sections of a course, for its author."""

import uuid

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from courses.authoring_serializers import (
    OwnSectionListSerializer,
    OwnSectionSerializer,
    ReorderSerializer,
    SectionCreateSerializer,
    SectionUpdateSerializer,
)
from courses.selectors.own_curriculum import get_own_section, list_own_sections
from courses.services import authoring
from courses.views import examples
from courses.views.authors import NOT_AUTHOR, REFUSALS, author_of

_TAGS = ["Authoring"]
_SECTION_REFUSALS = {
    403: NOT_AUTHOR,
    404: OpenApiResponse(description="`COURSE_NOT_FOUND` or `SECTION_NOT_FOUND`"),
}


class SectionsView(APIView):
    """A course's curriculum."""

    @extend_schema(
        operation_id="curriculum_list",
        tags=_TAGS,
        summary="Curriculum of an own course",
        description="The sections in order, each with its lessons, media included.",
        responses={200: OwnSectionListSerializer, **REFUSALS},
        examples=[examples.SECTIONS],
    )
    def get(self, request: Request, reference: str) -> Response:
        return Response(
            {"results": list_own_sections(author=author_of(request), reference=reference)}
        )

    @extend_schema(
        operation_id="curriculum_create",
        tags=_TAGS,
        summary="Add a section",
        description="At the end, or at `order`: those behind move on.",
        request=SectionCreateSerializer,
        responses={
            201: OwnSectionSerializer,
            **REFUSALS,
            409: OpenApiResponse(description="`CURRICULUM_FULL`"),
        },
        examples=examples.SECTION_CREATE,
    )
    def post(self, request: Request, reference: str) -> Response:
        body = SectionCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        section_id = authoring.add_section(
            author=author_of(request), reference=reference, fields=body.validated_data
        )
        return _show(request, reference, section_id, status=201)


class ReorderSectionsView(APIView):
    """A new order of the sections."""

    @extend_schema(
        operation_id="curriculum_reorder",
        tags=_TAGS,
        summary="Reorder the sections",
        description="`order` names each section of the course once.",
        request=ReorderSerializer,
        responses={200: OwnSectionListSerializer, **REFUSALS},
        examples=[examples.REORDER, examples.SECTIONS],
    )
    def post(self, request: Request, reference: str) -> Response:
        body = ReorderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        author = author_of(request)
        authoring.reorder_sections(
            author=author, reference=reference, order=body.validated_data["order"]
        )
        return Response({"results": list_own_sections(author=author, reference=reference)})


class SectionView(APIView):
    """One section."""

    @extend_schema(
        operation_id="curriculum_update",
        tags=_TAGS,
        summary="Change a section",
        description="Changes what is sent; `order` moves the section there.",
        request=SectionUpdateSerializer,
        responses={200: OwnSectionSerializer, **_SECTION_REFUSALS},
        examples=examples.SECTION_UPDATE,
    )
    def patch(self, request: Request, reference: str, section_id: uuid.UUID) -> Response:
        body = SectionUpdateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        authoring.edit_section(
            author=author_of(request),
            reference=reference,
            section_id=section_id,
            fields=body.validated_data,
        )
        return _show(request, reference, section_id)

    @extend_schema(
        operation_id="curriculum_delete",
        tags=_TAGS,
        summary="Delete a section",
        description="With its lessons. What learners did in them is kept and no longer counted.",
        responses={
            204: None,
            **_SECTION_REFUSALS,
            409: OpenApiResponse(description="`LAST_LESSON` or `LAST_SECTION`"),
        },
    )
    def delete(self, request: Request, reference: str, section_id: uuid.UUID) -> Response:
        authoring.remove_section(
            author=author_of(request), reference=reference, section_id=section_id
        )
        return Response(status=204)


def _show(request: Request, reference: str, section_id: uuid.UUID, status: int = 200) -> Response:
    section = get_own_section(author=author_of(request), reference=reference, section_id=section_id)
    return Response(section, status=status)
