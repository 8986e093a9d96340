"""The Celery application. Tasks only nudge or sweep: what must not be lost lives in PostgreSQL."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learnflow.settings.development")

app = Celery("learnflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
