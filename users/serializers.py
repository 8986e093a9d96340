"""Shapes of plan 4.2 and 4.9: what comes in, and what goes out."""

import re
from typing import Any

from rest_framework import serializers

from core.serializers import ApiSerializer, NumberField
from users.selectors import is_time_zone

# Control characters, line separators and overrides of the writing direction: in a name they can
# only deceive. Joiners, which some scripts need, are fine.
_DECEPTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PHONE = re.compile(r"^[0-9+()./ -]*$")


class EmailAddressField(serializers.EmailField):
    """An e-mail in ASCII: letters that look or fold alike can't make two identities of one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        if not value.isascii():
            raise serializers.ValidationError("Enter the address in ASCII letters.")
        return value


class NameField(serializers.CharField):
    """A first or last name: one line, not blank."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=150, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        if _DECEPTIVE.search(value):
            raise serializers.ValidationError("A name is a single line of readable characters.")
        return value


class PasswordField(serializers.CharField):
    """A password, taken as it is. The bound keeps hashing cheap."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("style", {"input_type": "password"})
        super().__init__(max_length=128, trim_whitespace=False, **kwargs)


# --- In --------------------------------------------------------------------------------------


class RegisterSerializer(ApiSerializer):
    """A new account."""

    email = EmailAddressField(help_text="The identity, whatever the case of its letters.")
    password = PasswordField(help_text="At least 12 characters, not common, not like the name.")
    first_name = NameField()
    last_name = NameField()


class LoginSerializer(ApiSerializer):
    """Credentials."""

    email = EmailAddressField()
    password = PasswordField()


class RefreshSerializer(ApiSerializer):
    """The live refresh token; may be left out where the cookie carries it."""

    refresh = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)


class LinkTokenSerializer(ApiSerializer):
    """The `token` of a mailed link."""

    token = serializers.CharField(max_length=1000)


class OptionalEmailSerializer(ApiSerializer):
    """An e-mail; not needed when signed in."""

    email = EmailAddressField(required=False)


class EmailSerializer(ApiSerializer):
    """An e-mail."""

    email = EmailAddressField()


class PasswordResetConfirmSerializer(LinkTokenSerializer):
    """The `token` of a mailed link and the password to set."""

    new_password = PasswordField()


class ChangePasswordSerializer(ApiSerializer):
    """The current password and the one to set."""

    old_password = PasswordField()
    new_password = PasswordField()


class ProfileUpdateSerializer(ApiSerializer):
    """What a person may change of themselves. Every field may be left out, and then stays."""

    first_name = NameField(required=False)
    last_name = NameField(required=False)
    bio = serializers.CharField(required=False, allow_blank=True, max_length=5000)
    phone = serializers.CharField(required=False, allow_blank=True, max_length=20)
    country = serializers.CharField(required=False, allow_blank=True, max_length=100)
    timezone = serializers.CharField(
        required=False, allow_blank=True, max_length=50, help_text="An IANA name, or empty."
    )

    def validate_phone(self, value: str) -> str:
        if not _PHONE.match(value):
            raise serializers.ValidationError("Enter a phone number: digits, +, spaces, ().-/")
        return value

    def validate_country(self, value: str) -> str:
        if _DECEPTIVE.search(value):
            raise serializers.ValidationError("Enter a country on a single line.")
        return value

    def validate_timezone(self, value: str) -> str:
        if value and not is_time_zone(value):
            raise serializers.ValidationError("Enter an IANA time zone, such as Europe/Berlin.")
        return value


class PictureUploadSerializer(ApiSerializer):
    """A picture as multipart form data."""

    profile_picture = serializers.FileField(
        help_text="JPEG, PNG, WebP or GIF, 5 MiB at most; stored as WebP of 512 px at most."
    )


class ProfileUpdateFormSerializer(ProfileUpdateSerializer):
    """The same as form data, with a picture."""

    profile_picture = serializers.FileField(required=False)


# --- Out -------------------------------------------------------------------------------------


class RegisteredSerializer(ApiSerializer):
    """The person and the tokens of their first session (plan 4.2)."""

    id = serializers.UUIDField(source="user.id")
    email = serializers.EmailField(source="user.email")
    first_name = serializers.CharField(source="user.first_name")
    last_name = serializers.CharField(source="user.last_name")
    access_token = serializers.CharField(source="tokens.access")
    refresh_token = serializers.CharField(source="tokens.refresh")


class LoggedInUserSerializer(ApiSerializer):
    """Who logged in."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    is_instructor = serializers.BooleanField()


class LoggedInSerializer(ApiSerializer):
    """The tokens of the session just opened, and whose it is (plan 4.2)."""

    access_token = serializers.CharField(source="tokens.access")
    refresh_token = serializers.CharField(source="tokens.refresh")
    user = LoggedInUserSerializer()


class RefreshedSerializer(ApiSerializer):
    """A new access token and the refresh token's successor."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class MessageSerializer(ApiSerializer):
    """A sentence for a person."""

    message = serializers.CharField()


class MyProfileSerializer(ApiSerializer):
    """The profile within `me` (plan 4.2)."""

    bio = serializers.CharField()
    profile_picture = serializers.URLField(allow_null=True)
    country = serializers.CharField()
    total_hours_learned = NumberField(max_digits=12, decimal_places=2)
    courses_completed = serializers.IntegerField()
    current_streak_days = serializers.IntegerField()


class MeSerializer(ApiSerializer):
    """The person signed in (plan 4.2)."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    is_instructor = serializers.BooleanField()
    email_verified = serializers.BooleanField()
    profile = MyProfileSerializer()


class FullProfileSerializer(MyProfileSerializer):
    """Everything in a profile (plan 4.9)."""

    phone = serializers.CharField()
    timezone = serializers.CharField()
    certificates_earned = serializers.IntegerField()
    last_activity = serializers.DateTimeField(allow_null=True)


class AccountSerializer(ApiSerializer):
    """The person with their whole profile (plan 4.9)."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    profile = FullProfileSerializer()


class SessionSerializer(ApiSerializer):
    """A login on one device."""

    id = serializers.UUIDField()
    device = serializers.CharField(help_text="The User-Agent that logged in.")
    ip = serializers.IPAddressField(allow_null=True, help_text="Where it was last refreshed from.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(help_text="The login or the latest refresh.")
    expires_at = serializers.DateTimeField()
    is_current = serializers.BooleanField(help_text="Whether this request belongs to it.")
