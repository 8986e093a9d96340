"""The textbook's routes."""

from django.urls import path

from benchmarks.textbook.views import CourseDetailView, CourseListView, SearchView

urlpatterns = [
    path("api/v1/courses/", CourseListView.as_view()),
    path("api/v1/courses/<uuid:pk>/", CourseDetailView.as_view()),
    path("api/v1/search/", SearchView.as_view()),
]
