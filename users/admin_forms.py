"""Forms of the admin about people. Passwords go through the services alone, so that the other
sessions end and the person hears of it, whichever door is taken."""

import uuid
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.forms import AdminPasswordChangeForm as DjangoOwnPasswordForm
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    UserChangeForm,
)
from django.core.exceptions import ValidationError
from django.db import transaction

from core.audit import record_audit
from core.errors import Invalid, TooMany
from core.network import client_ip
from users import services
from users.errors import EmailTaken, InvalidCredentials
from users.models import User, normalise_email

# The service's words for what forms call otherwise.
_FIELDS = {"new_password": "new_password1"}


class EmailForm(forms.ModelForm[User]):
    """A form with an e-mail: stored in lower case, as the identity, and nobody else's."""

    def clean_email(self) -> str:
        email = normalise_email(self.cleaned_data["email"])
        if User.objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(EmailTaken.message)
        return email


class PersonCreationForm(EmailForm, AdminUserCreationForm):
    """A new person."""

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name")


class PersonChangeForm(EmailForm, UserChangeForm):
    """An existing person."""

    class Meta:
        model = User
        fields = "__all__"  # noqa: DJ007 - what is shown of them, the admin says
        field_classes: dict[str, type[forms.Field]] = {}


class SignInForm(AdminAuthenticationForm):
    """Signing in to the admin, by the same door as the API's and so with the same count of
    failures. `wait` is how many seconds nobody may try, when too many failed."""

    wait: int | None = None

    def clean(self) -> dict[str, Any]:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if email is None or not password:
            return self.cleaned_data
        ip = client_ip(self.request) if self.request is not None else ""
        try:
            self.user_cache = services.check_credentials(email=email, password=password, ip=ip)
        except InvalidCredentials:
            raise self.get_invalid_login_error() from None
        except TooMany as exc:
            self.wait = exc.retry_after
            raise ValidationError(_in_words(exc), code="too_many") from None
        self.confirm_login_allowed(self.user_cache)
        return self.cleaned_data


class OwnPasswordForm(DjangoOwnPasswordForm):
    """One's own password. It is stored as the form is judged: only the service knows whether the
    old one is right, and how often it may be guessed."""

    def clean_old_password(self) -> str:
        return str(self.cleaned_data["old_password"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            _store(
                self,
                _change_own,
                user_id=self.user.pk,
                old_password=cleaned["old_password"],
                new_password=cleaned["new_password1"],
            )
        return cleaned

    def save(self, commit: bool = True) -> User:
        return _fresh(self.user)


class PersonPasswordForm(AdminPasswordChangeForm):
    """A password set by staff for somebody, stored as the form is judged."""

    actor_id: uuid.UUID | None = None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        # Without a usable one, the button has to say so too; the admin asks again.
        is_meant = cleaned.get("set_usable_password") or "unset-password" in self.data
        if not self.errors and is_meant:
            wanted = cleaned["password1"] if cleaned["set_usable_password"] else None
            _store(
                self,
                services.set_password,
                user_id=self.user.pk,
                new_password=wanted,
                actor_id=self.actor_id,
            )
        return cleaned

    def save(self, commit: bool = True) -> User:
        return _fresh(self.user)


def _change_own(*, user_id: uuid.UUID, old_password: str, new_password: str) -> None:
    with transaction.atomic():
        services.change_password(
            user_id=user_id,
            session_id=None,
            old_password=old_password,
            new_password=new_password,
        )
        record_audit(
            actor_id=user_id,
            action="user.password_changed",
            target_type="user",
            target_id=user_id,
        )


def _store(form: forms.Form, change: Any, **facts: Any) -> None:
    try:
        change(**facts)
    except Invalid as exc:
        details: dict[str, Any] = exc.details
        for name, texts in details.items():
            field = _FIELDS.get(name, name)
            form.add_error(field if field in form.fields else None, texts)
    except TooMany as exc:
        form.add_error(None, _in_words(exc))


def _fresh(user: User) -> User:
    """The admin keeps the page's own session by what the person has become."""
    user.refresh_from_db()
    return user


def _in_words(exc: TooMany) -> str:
    return f"Too many failed attempts. Try again in {exc.retry_after} seconds."
