"""People and their sessions, for staff. Passwords, access and sessions change through services
only, so that tokens die with them; what learning counts is read here and never typed in."""

import copy
import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import Growing, ReadOnlyAdmin, StaffAdmin, StaffStackedInline, is_superuser
from users import services
from users.admin_forms import PersonChangeForm, PersonCreationForm, PersonPasswordForm
from users.models import Session, User, UserProfile

_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class ProfileInline(StaffStackedInline):
    model = UserProfile
    can_delete = False
    fields = (
        ("country", "timezone", "phone"),
        "bio",
        "profile_picture",
        ("total_seconds_learned", "courses_completed", "certificates_earned"),
        ("current_streak_days", "streak_day", "last_activity"),
    )
    readonly_fields = (
        "profile_picture", "total_seconds_learned", "courses_completed", "certificates_earned",
        "current_streak_days", "streak_day", "last_activity",
    )  # fmt: skip


@admin.register(User)
class UserAdmin(Growing, StaffAdmin, DjangoUserAdmin):
    """People. Only a superuser hands out rights or touches the accounts of staff."""

    form = PersonChangeForm
    add_form = PersonCreationForm
    change_password_form = PersonPasswordForm
    list_display = (
        "email", "first_name", "last_name", "is_active", "is_instructor", "is_staff", "verified",
        "created_at",
    )  # fmt: skip
    list_filter = ("is_active", "is_instructor", "is_staff", "created_at")
    search_fields = ("email", "^first_name", "^last_name", "id")
    search_help_text = "E-mail, first or last name, each or its beginning, or the whole id"
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    readonly_fields = ("id", "last_login", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("id", "email", "password")}),
        ("Name", {"fields": ("first_name", "last_name")}),
        ("Access", {"fields": ("is_active", "is_instructor", "email_verified_at")}),
        ("Rights", {"fields": _RIGHTS, "classes": ("collapse",)}),
        ("Dates", {"fields": ("last_login", "created_at", "updated_at")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "email", "first_name", "last_name", "usable_password", "password1", "password2",
                ),
            },
        ),
    )  # fmt: skip
    actions = ("end_sessions", "deactivate", "activate")

    @admin.display(boolean=True, description="verified", ordering="email_verified_at")
    def verified(self, user: User) -> bool:
        return user.email_verified_at is not None

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return [ProfileInline] if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fixed = super().get_readonly_fields(request, obj)
        return fixed if is_superuser(request) else (*fixed, *_RIGHTS)

    def may_change(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _may_change(request, obj)

    def may_delete(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody is deleted here: orders and certificates stay; deactivate instead."""
        return False

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's name
        form_url: str = "",
    ) -> Any:
        # A copy for this request alone: the admin is shared by all threads.
        acting = copy.copy(self)
        acting.change_password_form = _password_form_of(request.user.pk)
        return super(UserAdmin, acting).user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            UserProfile.objects.create(user=obj)
            return
        wanted = obj.is_active
        if "is_active" in form.changed_data:
            obj.is_active = not wanted
        super().save_model(request, obj, form, change)
        services.set_active(user_id=obj.pk, is_active=wanted, actor_id=request.user.pk)
        obj.is_active = wanted
        if {"first_name", "last_name"} & set(form.changed_data):
            services.announce_name(user_id=obj.pk)

    @admin.action(description="End all sessions", permissions=["change"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        ended = 0
        for user in _changeable(request, queryset):
            ended += services.end_sessions_by_staff(user_id=user.pk, actor_id=request.user.pk)
        self.message_user(request, f"{ended} sessions ended.", messages.SUCCESS)

    @admin.action(description="Deactivate (ends all sessions)", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, is_active=False)

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, is_active=True)

    def _set_active(
        self, request: HttpRequest, queryset: QuerySet[User], *, is_active: bool
    ) -> None:
        people = _changeable(request, [user for user in queryset if user.pk != request.user.pk])
        for user in people:
            services.set_active(user_id=user.pk, is_active=is_active, actor_id=request.user.pk)
        word = "activated" if is_active else "deactivated"
        self.message_user(request, f"{len(people)} people {word}.", messages.SUCCESS)


admin.site.unregister(Group)


@admin.register(Group)
class RolesAdmin(StaffAdmin, GroupAdmin):
    """Groups of rights. Only a superuser hands out rights, so only one writes groups."""

    def may_add(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    may_change = may_delete = may_add


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Who is logged in where. Read, and ended."""

    list_display = ("user", "device", "ip", "last_used_at", "expires_at", "ended_at", "end_reason")
    list_filter = ("end_reason",)
    list_select_related = ("user",)
    search_fields = ("user__email", "=ip", "id")
    search_help_text = "E-mail, address or the session's id"
    # Each use makes a session last anew: the last used first.
    ordering = ("-expires_at",)
    fields = (
        "id", "user", "device", "ip", "created_at", "last_used_at", "expires_at", "ended_at",
        "end_reason",
    )  # fmt: skip
    actions = ("end",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Whoever may change people may log them out."""
        return request.user.has_perm("users.change_user")

    @admin.action(description="End these sessions", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        theirs = [s.id for s in queryset.select_related("user") if _may_change(request, s.user)]
        ended = services.end_these_sessions_by_staff(session_ids=theirs, actor_id=request.user.pk)
        self.message_user(request, f"{ended} sessions ended.", messages.SUCCESS)


def _password_form_of(actor: uuid.UUID | None) -> type[PersonPasswordForm]:
    class ActingPasswordForm(PersonPasswordForm):
        actor_id = actor

    return ActingPasswordForm


def _may_change(request: HttpRequest, person: User | None) -> bool:
    """Staff changes ordinary people and itself; only a superuser changes other staff."""
    if person is None or is_superuser(request) or person.pk == request.user.pk:
        return True
    return not (person.is_staff or person.is_superuser)


def _changeable(request: HttpRequest, people: Iterable[User]) -> list[User]:
    return [user for user in people if _may_change(request, user)]
