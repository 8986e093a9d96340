"""Rights that our key at Stripe lacks, as Stripe said when it refused a call for want of one.

A restricted key may do what it was made for (docs/go-live.md says what that has to be). What it
lacks is a fault of the configuration, which nobody should have to find in a log: the doctor and the
metrics tell of it for a day. Without Redis it is only logged.
"""

import datetime as dt
import logging
import re
import time

from django.core.cache import cache

logger = logging.getLogger(__name__)

_KEY = "stripe:rights_missing"
_KEPT_SECONDS = 24 * 3600
# How often a process notes the same right, which may be asked for with every call.
_NOTED_EVERY_SECONDS = 60.0
# In Stripe's words: Enabling "Prices Read" ('plan_read') permissions on this key …; of old:
# Having the 'rak_subscription_read' permission …
_PERMISSION = re.compile(r"\(?'(?:rak_)?([a-z_]+_(?:read|write))'\)?")

_noted: dict[str, float] = {}


def note_missing(*, words: str) -> str:
    """Note the right that Stripe missed, by its words, and return its name. Logged once a process
    and right."""
    found = _PERMISSION.search(words)
    right = found[1] if found else "unknown"
    before, now = _noted.get(right), time.monotonic()
    if before is None:
        logger.error("our key at Stripe lacks the right %s: %s", right, words)
    if before is None or now - before >= _NOTED_EVERY_SECONDS:
        _noted[right] = now
        known: dict[str, float] = cache.get(_KEY) or {}
        cache.set(_KEY, known | {right: time.time()}, timeout=_KEPT_SECONDS)
    return right


def list_missing() -> dict[str, dt.datetime]:
    """Return the rights that were missed within a day, each with when it was last."""
    known: dict[str, float] = cache.get(_KEY) or {}
    oldest = time.time() - _KEPT_SECONDS
    return {
        right: dt.datetime.fromtimestamp(at, tz=dt.UTC)
        for right, at in sorted(known.items())
        if at >= oldest
    }
