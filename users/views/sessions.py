"""Where a person is logged in."""

import uuid

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from users import examples, selectors, serializers, services
from users.authentication import current_session_id, current_user_id


class SessionListView(GenericAPIView):
    serializer_class = serializers.SessionSerializer

    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_sessions_list",
        summary="List sessions",
        description="The devices this person is logged in on, the last used first.",
        responses={200: serializers.SessionSerializer(many=True)},
        examples=examples.SESSION,
    )
    def get(self, request: Request) -> Response:
        rows = self.paginate_queryset(
            selectors.list_sessions(
                user_id=current_user_id(request), current_id=current_session_id(request)
            )
        )  # fmt: skip
        return self.get_paginated_response(rows)


class SessionView(APIView):
    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_sessions_end",
        summary="End a session",
        description="Logs that device out; its tokens are refused from now on.",
        responses={204: OpenApiResponse(description="Ended")},
    )
    def delete(self, request: Request, session_id: uuid.UUID) -> Response:
        services.end_session(user_id=current_user_id(request), session_id=session_id)
        return Response(status=204)
