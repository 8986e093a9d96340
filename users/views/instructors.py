"""Becoming an instructor."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from users import examples, selectors, serializers, services
from users.authentication import current_user_id


class BecomeInstructorView(APIView):
    @extend_schema(
        tags=["Authoring"],
        operation_id="users_become_instructor",
        summary="Become an instructor",
        description="Opens authoring at once. Answers who one is now; again changes nothing.",
        request=None,
        responses={200: serializers.MeSerializer},
        examples=examples.ME,
    )
    def post(self, request: Request) -> Response:
        user_id = current_user_id(request)
        services.become_instructor(user_id=user_id)
        return Response(serializers.MeSerializer(selectors.get_account(user_id=user_id)).data)
