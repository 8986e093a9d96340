"""Every write about people: the door other apps use too."""

from users.services.accounts import (
    SignedIn,
    check_credentials,
    register_user,
    request_verification,
    request_verification_by_email,
    set_active,
    sign_in,
    verify_email,
)
from users.services.instructors import become_instructor
from users.services.learning import adjust_learning, record_streak
from users.services.passwords import (
    change_password,
    check_new_password,
    confirm_password_reset,
    request_password_reset,
    set_password,
)
from users.services.profiles import announce_name, remove_picture, update_profile
from users.services.sessions import (
    Caller,
    end_session,
    end_sessions,
    end_sessions_by_staff,
    end_these_sessions_by_staff,
    logout,
    prune_sessions,
    rotate_session,
)

__all__ = [
    "Caller",
    "SignedIn",
    "adjust_learning",
    "announce_name",
    "become_instructor",
    "change_password",
    "check_credentials",
    "check_new_password",
    "confirm_password_reset",
    "end_session",
    "end_sessions",
    "end_sessions_by_staff",
    "end_these_sessions_by_staff",
    "logout",
    "prune_sessions",
    "record_streak",
    "register_user",
    "remove_picture",
    "request_password_reset",
    "request_verification",
    "request_verification_by_email",
    "rotate_session",
    "set_active",
    "set_password",
    "sign_in",
    "update_profile",
    "verify_email",
]
