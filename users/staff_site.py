"""The admin's own doors: signing in, and changing one's password."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from users.admin_forms import OwnPasswordForm, SignInForm


class StaffSite(admin.AdminSite):
    """The admin. Its sessions end `SESSION_COOKIE_AGE` after signing in, used or not."""

    login_form = SignInForm

    def get_urls(self) -> list[Any]:
        """As Django has them, without the way to an object's page: none of ours has one, and it
        asks for no right before it looks for the object, or fails over an id that can be none."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form or sign in. 429 with `Retry-After` after too many failures."""
        response = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if isinstance(form, SignInForm) and form.wait is not None:
            response.status_code = 429
            response["Retry-After"] = str(form.wait)
        if request.method == "POST" and form is None:
            age = dt.timedelta(seconds=settings.SESSION_COOKIE_AGE)
            # A moment, not a span: storing something else in it doesn't move the end.
            request.session.set_expiry(timezone.now() + age)
        return response

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Change one's own password; ends one's other sessions, here and at the API."""
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            template_name="registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)
