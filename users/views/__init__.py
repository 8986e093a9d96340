"""The addresses of plan 4.2 and 4.9, and of the contract's "Accounts"."""

from users.views.instructors import BecomeInstructorView
from users.views.profile import ChangePasswordView, MeView, ProfilePictureView, ProfileView
from users.views.recovery import (
    PasswordResetConfirmView,
    PasswordResetView,
    ResendVerificationView,
    VerifyEmailView,
)
from users.views.sessions import SessionListView, SessionView
from users.views.sign_in import LoginView, LogoutView, RefreshView, RegisterView

__all__ = [
    "BecomeInstructorView",
    "ChangePasswordView",
    "LoginView",
    "LogoutView",
    "MeView",
    "PasswordResetConfirmView",
    "PasswordResetView",
    "ProfilePictureView",
    "ProfileView",
    "RefreshView",
    "RegisterView",
    "ResendVerificationView",
    "SessionListView",
    "SessionView",
    "VerifyEmailView",
]
