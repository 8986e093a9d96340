"""Enrolments and certificates for staff. Access changes go through the services, never the form."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core.admin import Growing, ReadOnlyAdmin, ReadOnlyInline, StaffAdmin, ask, is_confirmed
from enrollments import services
from enrollments.admin_forms import GrantForm
from enrollments.models import AccessHold, Certificate, Enrollment, LessonProgress


def _actor(request: HttpRequest) -> UUID:
    """Return who acts: the admin lets nobody in without an account."""
    actor_id = request.user.pk
    if actor_id is None:
        raise PermissionDenied
    return actor_id


class LessonProgressInline(ReadOnlyInline):
    """What the learner did, lesson by lesson."""

    model = LessonProgress
    fields = (
        "lesson", "is_completed", "completed_at", "watch_time_seconds", "position_seconds",
        "credited_seconds",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[LessonProgress]:
        progress: QuerySet[LessonProgress] = super().get_queryset(request)
        return progress.select_related("lesson")


class AccessHoldInline(ReadOnlyInline):
    """Why access rests or is revoked, and why it did before."""

    model = AccessHold
    verbose_name_plural = "reasons against access"
    fields = ("effect", "cause", "object_id", "note", "created_at", "actor", "ended_at")
    readonly_fields = fields

    @admin.display(description="By")
    def actor(self, hold: AccessHold) -> str:
        return "the system" if hold.actor_id is None else str(hold.actor_id)


class ReasonForm(forms.Form):
    """Why staff decide so."""

    reason = forms.CharField(
        max_length=500, widget=forms.Textarea({"rows": 3}), label="Reason, for staff to read"
    )


def _describe(enrollments: QuerySet[Enrollment]) -> list[str]:
    """Who has which course, how it stands, and what staff said of it."""
    decided = Prefetch(
        "holds", AccessHold.objects.filter(cause=AccessHold.Cause.STAFF, ended_at=None)
    )
    rows = enrollments.select_related("user", "course").prefetch_related(decided).order_by("id")
    return [
        f"{row.user.email}: {row.course.title} ({row.status})"
        + "".join(f", {hold.effect} by staff: {hold.note}" for hold in row.holds.all())
        for row in rows
    ]


@admin.register(Enrollment)
class EnrollmentAdmin(Growing, StaffAdmin):
    """Who has which course. "Add" grants access, and of what was taken away shows first why it was.
    The actions add staff's own reason against it and lift it again; what a dispute or a refund
    takes away is theirs to give back."""

    list_display = (
        "user", "course", "status", "source", "progress_percent", "is_completed", "enrolled_at",
        "last_activity_at",
    )  # fmt: skip
    list_filter = ("status", "source", "is_completed", "enrolled_at")
    search_fields = ("user__email", "course__slug", "id")
    search_help_text = "E-mail, the course's slug or the enrolment's id"
    list_select_related = ("user", "course")
    date_hierarchy = "enrolled_at"
    autocomplete_fields = ("user", "course")
    inlines = (AccessHoldInline, LessonProgressInline)
    actions = ("suspend", "resume", "revoke")

    def may_delete(self, request: HttpRequest, obj: Any = None) -> bool:
        """Proof of what was bought and learned isn't deleted, it is revoked."""
        return False

    def get_form(
        self, request: HttpRequest, obj: Enrollment | None = None, change: bool = False, **kw: Any
    ) -> type[forms.ModelForm[Enrollment]]:
        # By the admin's own way, whose widgets look people and courses up instead of listing them.
        given = kw | {"form": GrantForm} if obj is None else kw
        form: type[forms.ModelForm[Enrollment]] = super().get_form(request, obj, change, **given)
        return form

    def get_fields(self, request: HttpRequest, obj: Enrollment | None = None) -> Any:
        return list(GrantForm.base_fields) if obj is None else super().get_fields(request, obj)

    def get_inlines(self, request: HttpRequest, obj: Enrollment | None) -> Any:
        return self.inlines if obj is not None else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Enrollment | None = None) -> Any:
        return [] if obj is None else [field.name for field in Enrollment._meta.fields]

    def save_model(self, request: HttpRequest, obj: Enrollment, form: Any, change: bool) -> None:
        if change:
            return
        granted = services.grant_access(
            user_id=obj.user_id, course_id=obj.course_id, actor_id=_actor(request)
        )
        obj.pk = granted.pk
        obj.refresh_from_db()

    @admin.action(description="Suspend access…", permissions=["change"])
    def suspend(
        self, request: HttpRequest, queryset: QuerySet[Enrollment]
    ) -> HttpResponseBase | None:
        return self._hold(request, queryset, "suspend", "suspended", services.suspend_enrollments)

    @admin.action(description="Lift what staff decided…", permissions=["change"])
    def resume(
        self, request: HttpRequest, queryset: QuerySet[Enrollment]
    ) -> HttpResponseBase | None:
        rows = _describe(queryset)
        if not is_confirmed(request, rows):
            return ask(
                request, self, queryset, action="resume", title="Lift what staff decided",
                explanation="Where a dispute or a refund holds access, it stays so.",
                rows=rows, form=forms.Form(),
            )  # fmt: skip
        count = services.lift_staffs_reason(
            enrollment_ids=list(queryset.values_list("id", flat=True)), actor_id=_actor(request)
        )
        self.message_user(
            request, f"Lifted for {count}. Where a dispute or a refund holds access, it stays so."
        )
        return None

    @admin.action(description="Revoke access…", permissions=["change"])
    def revoke(
        self, request: HttpRequest, queryset: QuerySet[Enrollment]
    ) -> HttpResponseBase | None:
        return self._hold(request, queryset, "revoke", "revoked", services.revoke_enrollments)

    def _hold(
        self,
        request: HttpRequest,
        queryset: QuerySet[Enrollment],
        action: str,
        done: str,
        hold: Callable[..., int],
    ) -> HttpResponseBase | None:
        """Hold access as staff decide, for the reason that they give; without one, ask for it."""
        rows = _describe(queryset)
        form = ReasonForm(request.POST if is_confirmed(request, rows) else None)
        if not (form.is_bound and form.is_valid()):
            return ask(
                request, self, queryset, action=action, title=f"{action.capitalize()} access",
                explanation="No dispute that is won and no refund that fails undoes this.",
                rows=rows, form=form,
            )  # fmt: skip
        count = hold(
            enrollment_ids=list(queryset.values_list("id", flat=True)),
            reason=services.Reason.of_staff(form.cleaned_data["reason"]),
            actor_id=_actor(request),
        )
        self.message_user(request, f"{count} {done} by staff")
        return None


@admin.register(Certificate)
class CertificateAdmin(ReadOnlyAdmin):
    """Certificates. The actions revoke them and have their files made anew."""

    list_display = (
        "serial", "student_name", "course_title", "issued_at", "is_rendered", "attempts",
        "held_back", "revoked_at",
    )  # fmt: skip
    list_filter = ("revoked_because", "issued_at")
    search_fields = ("serial", "user__email")
    search_help_text = "Serial or e-mail"
    date_hierarchy = "issued_at"
    # Its address is the private storage's, which serves nobody.
    exclude = ("file",)
    actions = ("rerender", "revoke")

    @admin.display(boolean=True, description="file")
    def is_rendered(self, obj: Certificate) -> bool:
        return bool(obj.file)

    @admin.display(description="Held back")
    def held_back(self, obj: Certificate) -> str:
        """Why there is no file, where a name can't be printed."""
        letters = services.explain_held(certificate=obj) if not obj.file else ()
        return f"No font has {', '.join(letters)}" if letters else ""

    @admin.action(description="Make the files anew", permissions=["act"])
    def rerender(self, request: HttpRequest, queryset: QuerySet[Certificate]) -> None:
        count = services.rerender_certificates(
            certificate_ids=list(queryset.values_list("id", flat=True)), actor_id=_actor(request)
        )
        self.message_user(request, f"{count} will be made anew")

    @admin.action(description="Revoke", permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Certificate]) -> None:
        count = services.revoke_certificates_by_staff(
            certificate_ids=list(queryset.values_list("id", flat=True)), actor_id=_actor(request)
        )
        self.message_user(request, f"{count} revoked")
