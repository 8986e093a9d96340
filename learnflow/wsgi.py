"""The WSGI entry point that gunicorn serves."""

import gc
import logging
import os

from django.core.wsgi import get_wsgi_application

from core.process import become

become("web")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learnflow.settings.production")

# Python's warnings are lines as all others.
logging.captureWarnings(True)

django_application = get_wsgi_application()

# Imported when the settings are there.
from api.events_door import EventsDoor  # noqa: E402
from api.front import FrontDoor  # noqa: E402
from core.features import warn_of_what_is_off  # noqa: E402
from core.postgresql.pooling import require_fitting  # noqa: E402

require_fitting()
warn_of_what_is_off()

application = FrontDoor(EventsDoor(django_application))

# What is loaded by now stays: going through it again and again took a tenth of each request.
gc.collect()
gc.freeze()
