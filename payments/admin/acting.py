"""Who acts in the admin."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from users.models import User


def acting_user(request: HttpRequest) -> User:
    """Return who acts: the admin lets nobody in without an account."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
