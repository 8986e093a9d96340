"""Proving an e-mail address, and getting back in without the password."""

import hashlib

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.network import client_ip
from users import examples, mailing, serializers, services
from users.authentication import OptionalSessionJWTAuthentication, current_user_id
from users.models import normalise_email
from users.views.sign_in import MAYBE_SIGNED_IN, PublicView

_MAILED = "If there is something to send, a mail is on its way"


class AskedForMixin(APIView):
    """Mails that anybody can ask for: each sender may ask so often for each kind and address, so
    that nobody uses up what somebody else behind the same address may ask for. A network that has
    used up its own count is refused before there is a count for the address."""

    mail_kind: mailing.Kind

    def check_throttles(self, request: Request) -> None:
        if not request.user.is_authenticated:
            mailing.check_network(kind=self.mail_kind, ip=client_ip(request))
        super().check_throttles(request)

    def throttle_bucket(self) -> str:
        """Return what has a rate of its own: this kind of mail, to this address."""
        if self.request.user.is_authenticated:
            # Theirs is mailed to, whatever address the body names.
            return type(self).__name__
        email = self._read_email()
        return f"{type(self).__name__}:{hashlib.sha256(email.encode()).hexdigest()}"

    def _read_email(self) -> str:
        """Return the address asked about. "" for whatever is none: it is refused in a moment, and
        counted all the same, as one."""
        try:
            body = serializers.EmailSerializer(data=self.request.data)
        except APIException:
            return ""
        return normalise_email(body.validated_data["email"]) if body.is_valid() else ""


class VerifyEmailView(PublicView):
    throttle_scope = "verify"

    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_verify_email",
        summary="Verify an e-mail",
        description=(
            "Takes the `token` of the link in the verification mail. Works without being signed "
            "in, and again with the same result. `422 LINK_INVALID` when it is garbled or expired."
        ),
        request=serializers.LinkTokenSerializer,
        responses={200: serializers.MessageSerializer},
        examples=examples.VERIFY_EMAIL,
    )
    def post(self, request: Request) -> Response:
        body = serializers.LinkTokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.verify_email(token=body.validated_data["token"])
        return Response({"message": "E-mail address verified"})


class ResendVerificationView(AskedForMixin, APIView):
    authentication_classes = [OptionalSessionJWTAuthentication]
    permission_classes = [AllowAny]
    throttle_scope = "mail"
    mail_kind = "verification"

    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_resend_verification",
        summary="Send the verification mail again",
        description=(
            "To the person signed in, or to the `email` in the body. The answer is the same "
            "whether or not anybody has that e-mail or still needs to verify it."
        ),
        request=serializers.OptionalEmailSerializer,
        responses={202: serializers.MessageSerializer},
        examples=examples.EMAIL,
        auth=MAYBE_SIGNED_IN,
    )
    def post(self, request: Request) -> Response:
        body = serializers.OptionalEmailSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        email = body.validated_data.get("email")
        if request.user.is_authenticated:
            services.request_verification(user_id=current_user_id(request))
        elif email is None:
            missing = ErrorDetail("This field is required.", code="required")
            raise ValidationError({"email": [missing]})
        else:
            services.request_verification_by_email(email=email, ip=client_ip(request))
        return Response({"message": _MAILED}, status=202)


class PasswordResetView(AskedForMixin, PublicView):
    throttle_scope = "mail"
    mail_kind = "password-reset"

    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_password_reset",
        summary="Ask for a password reset",
        description="Mails a link, if anybody has this e-mail; the answer is the same either way.",
        request=serializers.EmailSerializer,
        responses={202: serializers.MessageSerializer},
        examples=examples.EMAIL,
    )
    def post(self, request: Request) -> Response:
        body = serializers.EmailSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.request_password_reset(email=body.validated_data["email"], ip=client_ip(request))
        return Response({"message": _MAILED}, status=202)


class PasswordResetConfirmView(PublicView):
    throttle_scope = "verify"

    @extend_schema(
        tags=["Accounts"],
        operation_id="auth_password_reset_confirm",
        summary="Set a new password by a mailed link",
        description=(
            "Takes the `token` of the link, once, and ends every session of the account. "
            "`422 LINK_INVALID` when it is garbled, expired or used; `422` with "
            "`details.new_password` when the password is not acceptable or is the one it was."
        ),
        request=serializers.PasswordResetConfirmSerializer,
        responses={200: serializers.MessageSerializer},
        examples=examples.PASSWORD_RESET_CONFIRM,
    )
    def post(self, request: Request) -> Response:
        body = serializers.PasswordResetConfirmSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.confirm_password_reset(**body.validated_data, ip=client_ip(request))
        return Response({"message": "Password changed successfully"})
