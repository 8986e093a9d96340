"""The person signed in: who they are, what they tell, their picture and password."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from users import examples, selectors, serializers, services
from users.authentication import current_session_id, current_user_id
from users.parsers import PictureParser

_UPDATE: dict[str, Any] = {
    "tags": ["Profile"],
    "request": {
        "application/json": serializers.ProfileUpdateSerializer,
        "multipart/form-data": serializers.ProfileUpdateFormSerializer,
    },
    "responses": {200: serializers.AccountSerializer},
    "examples": examples.PROFILE_UPDATE,
}
_UPDATE_DESCRIPTION = (
    "Flat in, nested out. A field that is left out stays as it is; what isn't named here can't be "
    "set. As form data it also takes a `profile_picture`. `timezone` must be an IANA name."
)


class MeView(APIView):
    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_me",
        summary="Who am I",
        description="The person the access token belongs to, with the profile in brief.",
        responses={200: serializers.MeSerializer},
        examples=examples.ME,
    )
    def get(self, request: Request) -> Response:
        account = selectors.get_account(user_id=current_user_id(request))
        return Response(serializers.MeSerializer(account).data)


class ProfileView(APIView):
    parser_classes = [*APIView.parser_classes, PictureParser]

    @extend_schema(
        tags=["Profile"],
        operation_id="users_profile",
        summary="Read the profile",
        description="The person signed in with everything in their profile.",
        responses={200: serializers.AccountSerializer},
        examples=examples.PROFILE,
    )
    def get(self, request: Request) -> Response:
        return _account(request)

    @extend_schema(
        operation_id="users_profile_update",
        summary="Change the profile",
        description=_UPDATE_DESCRIPTION,
        **_UPDATE,
    )
    def put(self, request: Request) -> Response:
        return self._update(request)

    @extend_schema(
        operation_id="users_profile_partial_update",
        summary="Change parts of the profile",
        description=f"The same as `PUT`. {_UPDATE_DESCRIPTION}",
        **_UPDATE,
    )
    def patch(self, request: Request) -> Response:
        return self._update(request)

    def _update(self, request: Request) -> Response:
        # In JSON, `profile_picture` is the address the profile showed: read, never set.
        is_form = (request.content_type or "").startswith(PictureParser.media_type)
        shape: type[serializers.ProfileUpdateSerializer] = (
            serializers.ProfileUpdateFormSerializer
            if is_form
            else serializers.ProfileUpdateSerializer
        )
        body = shape(data=request.data)
        body.is_valid(raise_exception=True)
        changes = body.validated_data
        services.update_profile(
            user_id=current_user_id(request),
            picture=changes.pop("profile_picture", None),
            **changes,
        )
        return _account(request)


class ProfilePictureView(APIView):
    parser_classes = [PictureParser]

    @extend_schema(
        tags=["Profile"],
        operation_id="users_profile_picture_upload",
        summary="Upload a profile picture",
        description=(
            "JPEG, PNG, WebP or GIF of 5 MiB at most, as form data. It is judged by its content, "
            "made 512 px at most, stripped of metadata, and replaces the previous one."
        ),
        request={"multipart/form-data": serializers.PictureUploadSerializer},
        responses={
            200: serializers.AccountSerializer,
            413: OpenApiResponse(description="Far too large to be read at all"),
        },
        examples=examples.PROFILE,
    )
    def post(self, request: Request) -> Response:
        body = serializers.PictureUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.update_profile(
            user_id=current_user_id(request), picture=body.validated_data["profile_picture"]
        )
        return _account(request)

    @extend_schema(
        tags=["Profile"],
        operation_id="users_profile_picture_delete",
        summary="Remove the profile picture",
        description="Afterwards `profile_picture` is null. Nothing happens when it already is.",
        responses={204: OpenApiResponse(description="Removed")},
    )
    def delete(self, request: Request) -> Response:
        services.remove_picture(user_id=current_user_id(request))
        return Response(status=204)


class ChangePasswordView(APIView):
    @extend_schema(
        tags=["Profile"],
        operation_id="users_change_password",
        summary="Change the password",
        description=(
            "Ends every other session; this one stays. `422` with `details.old_password` when the "
            "current password is wrong, with `details.new_password` when the new one is not "
            "acceptable or is the old one. Wrong ones are limited like failed logins."
        ),
        request=serializers.ChangePasswordSerializer,
        responses={200: serializers.MessageSerializer},
        examples=examples.CHANGE_PASSWORD,
    )
    def put(self, request: Request) -> Response:
        body = serializers.ChangePasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.change_password(
            user_id=current_user_id(request),
            session_id=current_session_id(request),
            **body.validated_data,
        )
        return Response({"message": "Password changed successfully"})


def _account(request: Request) -> Response:
    account = selectors.get_account(user_id=current_user_id(request))
    return Response(serializers.AccountSerializer(account).data)
