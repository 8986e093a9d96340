"""What the views of authoring share."""

from drf_spectacular.utils import OpenApiResponse
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from courses.authors import Author, author_from
from users.models import User

NOT_AUTHOR = OpenApiResponse(
    description="`INSTRUCTOR_REQUIRED`, `NOT_COURSE_INSTRUCTOR` for another's published course, or "
    "`PERMISSION_DENIED` for staff without the right"
)
NO_COURSE = OpenApiResponse(
    description="`COURSE_NOT_FOUND`: unknown, or another's that isn't published"
)
REFUSALS = {403: NOT_AUTHOR, 404: NO_COURSE}


def author_of(request: Request) -> Author:
    """Return who writes. Raises NotAuthenticated when nobody is signed in."""
    user = request.user
    if not isinstance(user, User):
        raise NotAuthenticated
    return author_from(user)
