"""Addresses that readers and authors share: the catalogue's view reads, authoring's writes."""

from api.v1.catalogue import views as catalogue_views
from courses import views as course_views


class CoursesEndpoint(course_views.CourseCreation, catalogue_views.CoursesView):
    """`GET` is the catalogue, `POST` a new course."""


class CourseEndpoint(course_views.CourseEditing, catalogue_views.CourseView):
    """`GET` is the course's page, `PATCH` and `DELETE` are its author's."""
