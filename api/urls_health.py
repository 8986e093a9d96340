"""The health family, reachable both at the root (probes) and below /api/v1/ (clients)."""

from django.urls import path

from core import views

health = [
    path("", views.health, name="health"),
    path("live/", views.live, name="health-live"),
    path("ready/", views.ready, name="health-ready"),
]
