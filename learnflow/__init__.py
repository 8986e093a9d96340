"""The wiring: settings, URLs, Celery and WSGI."""

from learnflow.celery import app as celery_app

__all__ = ["celery_app"]
