"""Getting tokens, renewing them, and giving them up."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ErrorDetail, NotAuthenticated, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.network import client_ip
from users import examples, serializers, services
from users.authentication import OptionalSessionJWTAuthentication, current_session_id
from users.cookies import (
    clear_refresh_cookie,
    has_allowed_origin,
    read_refresh_cookie,
    set_refresh_cookie,
)

# For the schema: a bearer token is looked at, and not required.
MAYBE_SIGNED_IN: Any = [{"bearer": []}, {}]


def caller_of(request: Request) -> services.Caller:
    """Return where the request comes from."""
    return services.Caller(device=request.headers.get("User-Agent", ""), ip=client_ip(request))


class PublicView(APIView):
    """Open to all. A token in the header isn't looked at: an expired one is no obstacle here."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]


class RegisterView(PublicView):
    throttle_scope = "register"

    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_register",
        summary="Register",
        description=(
            "Creates an account and signs it in. The refresh token is also set as an httpOnly "
            "cookie. A mail with a verification link follows. `409 EMAIL_TAKEN` when the e-mail "
            "is in use, in whatever case of its letters; `422` with `details.password` when the "
            "password is too short, too common, all digits or too much like the name or e-mail."
        ),
        request=serializers.RegisterSerializer,
        responses={
            201: serializers.RegisteredSerializer,
            409: OpenApiResponse(description="`EMAIL_TAKEN`"),
        },
        examples=examples.REGISTER,
    )
    def post(self, request: Request) -> Response:
        body = serializers.RegisterSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        signed_in = services.register_user(**body.validated_data, caller=caller_of(request))
        response = Response(serializers.RegisteredSerializer(signed_in).data, status=201)
        set_refresh_cookie(response, signed_in.tokens)
        return response


class LoginView(PublicView):
    # Failures are counted by the service; successes never are (contract "Accounts").
    throttle_scope = None

    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_login",
        summary="Log in",
        description=(
            "Opens a session on this device. The refresh token is also set as an httpOnly cookie. "
            "`401 INVALID_CREDENTIALS` is the same for an unknown e-mail, a wrong password and a "
            "deactivated account. Failures are limited per account and network, and per account: "
            "then `429 RATE_LIMITED` with `Retry-After`, until a success or the end of the window."
        ),
        request=serializers.LoginSerializer,
        responses={
            200: serializers.LoggedInSerializer,
            401: OpenApiResponse(description="`INVALID_CREDENTIALS`"),
        },
        examples=examples.LOGIN,
    )
    def post(self, request: Request) -> Response:
        body = serializers.LoginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        signed_in = services.sign_in(**body.validated_data, caller=caller_of(request))
        response = Response(serializers.LoggedInSerializer(signed_in).data)
        set_refresh_cookie(response, signed_in.tokens)
        return response


class RefreshView(PublicView):
    throttle_scope = "refresh"

    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_refresh",
        summary="Renew tokens",
        description=(
            "Answers a new access token and the successor of the refresh token, which is used up "
            "by this. The token comes from the body or, from an allowed Origin, from the cookie. "
            "The same token again within 10 seconds (two tabs) gets the same successor; later it "
            "is `401 TOKEN_REUSED` and its session ends. Otherwise unusable: `401 TOKEN_INVALID`. "
            "`403 ORIGIN_NOT_ALLOWED` for the cookie from elsewhere."
        ),
        request=serializers.RefreshSerializer,
        responses={
            200: serializers.RefreshedSerializer,
            401: OpenApiResponse(description="`TOKEN_INVALID` or `TOKEN_REUSED`"),
            403: OpenApiResponse(description="`ORIGIN_NOT_ALLOWED`"),
        },
        examples=examples.REFRESH,
    )
    def post(self, request: Request) -> Response:
        body = serializers.RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        refresh = body.validated_data.get("refresh")
        if refresh is None:
            refresh = read_refresh_cookie(request)
        if refresh is None:
            missing = ErrorDetail("This field is required.", code="required")
            raise ValidationError({"refresh": [missing]})
        tokens = services.rotate_session(refresh=refresh, caller=caller_of(request))
        response = Response(serializers.RefreshedSerializer(tokens).data)
        set_refresh_cookie(response, tokens)
        return response


class LogoutView(APIView):
    authentication_classes = [OptionalSessionJWTAuthentication]
    permission_classes = [AllowAny]
    throttle_scope = None

    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_logout",
        summary="Log out",
        description=(
            "Ends the session: its access and refresh tokens are refused from now on. The "
            "access token alone says which; a `refresh` token in the body, or the cookie from an "
            "allowed Origin, does so too when the access token has expired."
        ),
        request=serializers.RefreshSerializer,
        responses={200: serializers.MessageSerializer},
        examples=examples.LOGOUT,
        auth=MAYBE_SIGNED_IN,
    )
    def post(self, request: Request) -> Response:
        body = serializers.RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session_id = current_session_id(request)
        refresh = body.validated_data.get("refresh")
        if refresh is None and (session_id is None or has_allowed_origin(request)):
            refresh = read_refresh_cookie(request)
        if session_id is None and refresh is None:
            raise NotAuthenticated
        services.logout(session_id=session_id, refresh=refresh)
        response = Response({"message": "Successfully logged out"})
        clear_refresh_cookie(response)
        return response
