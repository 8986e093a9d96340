"""`make run` and daily work: open to the machine itself, media served by the web process."""

from learnflow.settings.base import *  # noqa: F403
from learnflow.settings.base import JWT_SECRET, SECRET_KEY, SIMPLE_JWT, env
from learnflow.settings.published_keys import DEVELOPMENT_KEY

# Only ever used by commands on a developer's machine; `make run` generates its own keys.
SECRET_KEY = SECRET_KEY or DEVELOPMENT_KEY
JWT_SECRET = JWT_SECRET or SECRET_KEY
SIMPLE_JWT = {**SIMPLE_JWT, "SIGNING_KEY": JWT_SECRET}

INVENTED_DATA_ALLOWED = True
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
SERVE_MEDIA = env.bool("SERVE_MEDIA", default=True)
REFRESH_COOKIE_SECURE = env.bool("REFRESH_COOKIE_SECURE", default=False)
