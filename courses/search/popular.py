"""What people search for: counted in Redis, added up in the database, shown when it is popular.

A visitor is a network, whoever is signed in there, and counts once for the same query within
SEARCH_POPULAR_DAYS: nobody makes a search popular alone. Nothing is shown but words of the
catalogue: a search is no place to write to others.

Redis holds one sorted set a day. The task takes
the set away under a new name and adds it up in one transaction with a row that bears that name, so
that a batch counts once, however often the task dies or runs at once. Without Redis nothing is
counted and nothing fails.
"""

import datetime as dt
import hashlib
import hmac
import logging
import re
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from core.ids import new_id
from core.pruning import prune
from courses.models import SearchBatch, SearchCount
from courses.search.engine import get_engine
from courses.search.words import clean

logger = logging.getLogger(__name__)

LONGEST = 60
# Different queries counted in Redis, and added up at a time: more is noise or an attack.
MOST_COUNTED = 20_000
MOST_ADDED = 2_000
# Counts in Redis wait so long for the task; the day after that nobody misses them.
KEEP_IN_REDIS = 3 * 24 * 3600
KEEP_COUNTS = dt.timedelta(days=90)
# What only one visitor ever looked for says nothing, and may be about them.
KEEP_SINGLE = dt.timedelta(days=2)
LISTED = 200
# How many of the most searched are looked at for LISTED whose words the catalogue has.
CANDIDATES = 5 * LISTED
POPULAR_KEY = "search:popular"
POPULAR_SECONDS = 60
# After a failure Redis isn't tried for so long, so that a dead one can't slow every search.
PAUSE_SECONDS = 5.0

_paused_until = 0.0
# What this process has told Redis already: who looks again and again asks Redis once.
_told: OrderedDict[str, None] = OrderedDict()
_TOLD_AT_MOST = 20_000

# An address, a link, a number long enough for a telephone or a card, or a key of some kind.
_PERSONAL = re.compile(
    r"@|://|\bwww\.|(?:\d[\s().+-]*){6,}|\b(?=\w*\d)\w{16,}\b|\b[0-9a-f]{8}-[0-9a-f]{4}-",
    re.IGNORECASE,
)

_COUNT = """
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[2]) then return 0 end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4])
   and not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
redis.call('ZINCRBY', KEYS[2], 1, ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
"""
_TAKE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('SADD', KEYS[3], ARGV[1])
return 1
"""
_ADD = """
    INSERT INTO courses_searchcount AS total (query, day, found, not_found)
    SELECT * FROM unnest(
        %(queries)s::text[], %(days)s::date[], %(found)s::int[], %(not_found)s::int[]
    ) ORDER BY 1
    ON CONFLICT (query, day) DO UPDATE SET
        found = total.found + excluded.found, not_found = total.not_found + excluded.not_found
"""


def normalise(text: str) -> str | None:
    """Return the text as it is counted, or None when it isn't: what looks personal (an address, a
    number, a key), is very long, or has no letter."""
    if _PERSONAL.search(text):
        return None
    query = clean(text).casefold().strip(" .,;:!?\"'()-/")
    if len(query) < 2 or len(query) > LONGEST or not any(char.isalpha() for char in query):
        return None
    return query


def record_search(*, text: str, visitor: str, found: bool) -> None:
    """Count a search. `visitor` is the network it came from, and is kept for SEARCH_POPULAR_DAYS,
    hashed with this installation's key and the query. Never raises, and waits for Redis only while
    it answers."""
    global _paused_until  # noqa: PLW0603 - one clock per process is the point
    query = normalise(text)
    if query is None or time.monotonic() < _paused_until:
        return
    day = timezone.now().date()
    seen = f"{visitor}:{query}:{found}".encode()
    token = hmac.new(settings.SECRET_KEY.encode(), seen, hashlib.sha256).hexdigest()[:32]
    # Once a day, as Redis forgets by itself.
    told = f"{day}:{token}"
    if told in _told:
        return
    try:
        get_redis_connection("default").eval(
            _COUNT, 2, _key(f"seen:{token}"), _key(f"counts:{day}"),
            f"{'+' if found else '-'}{query}", settings.SEARCH_POPULAR_DAYS * 24 * 3600,
            KEEP_IN_REDIS, MOST_COUNTED,
        )  # fmt: skip
    except RedisError as exc:
        _paused_until = time.monotonic() + PAUSE_SECONDS
        logger.warning("searches aren't counted: %s", exc)
        return
    _told[told] = None
    while len(_told) > _TOLD_AT_MOST:
        _told.popitem(last=False)


def add_up_searches() -> int:
    """Add what Redis counted to the table, and drop what is old; returns how many queries were
    added. Does nothing while Redis is away."""
    try:
        redis = get_redis_connection("default")
        _take(redis)
        added = sum(_add_batch(redis, name.decode()) for name in redis.smembers(_key("batches")))
    except RedisError as exc:
        logger.warning("searches aren't added up: %s", exc)
        return 0
    _prune()
    if added:
        cache.delete(POPULAR_KEY)
    return added


def list_popular(*, limit: int = 10) -> list[tuple[str, int]]:
    """Return the most popular searches of the last days (at most `LISTED`) and how many visitors
    made each: those of words of the catalogue that find something, from `SEARCH_POPULAR_VISITORS`
    visitors on. Up to a minute old."""
    popular = cache.get(POPULAR_KEY)
    if popular is None:
        popular = _read_popular()
        cache.set(POPULAR_KEY, popular, POPULAR_SECONDS)
    return [(query, visitors) for query, visitors in popular[:limit]]


def _read_popular() -> list[tuple[str, int]]:
    since = timezone.now().date() - dt.timedelta(days=settings.SEARCH_POPULAR_DAYS)
    totals = (
        SearchCount.objects.filter(day__gt=since, found__gt=0)
        .values("query")
        .annotate(visitors=Sum("found"))
        .filter(visitors__gte=settings.SEARCH_POPULAR_VISITORS)
        .order_by("-visitors", "query")[:CANDIDATES]
    )
    counted = [(row["query"], row["visitors"]) for row in totals]
    known = get_engine().known(queries=[query for query, _ in counted]) if counted else set()
    return [(query, visitors) for query, visitors in counted if query in known][:LISTED]


def _take(redis: Any) -> None:
    """Set the counts of today and of the days before aside, each under a name of its own."""
    today = timezone.now().date()
    for age in range(KEEP_IN_REDIS // 86_400 + 1):
        day = today - dt.timedelta(days=age)
        name = f"{new_id()}|{day}"
        keys = (_key(f"counts:{day}"), _key(f"batch:{name}"), _key("batches"))
        redis.eval(_TAKE, len(keys), *keys, name)


def _add_batch(redis: Any, name: str) -> int:
    batch_id, _, day = name.partition("|")
    key = _key(f"batch:{name}")
    counted = redis.zrevrange(key, 0, MOST_ADDED - 1, withscores=True)
    added = 0
    with transaction.atomic():
        # Two tasks at once: the second waits here for the first, and finds it done.
        _, is_new = SearchBatch.objects.get_or_create(id=uuid.UUID(batch_id))
        if is_new:
            added = _add(dt.date.fromisoformat(day), _by_query(counted))
    redis.delete(key)
    redis.srem(_key("batches"), name)
    return added


def _by_query(counted: Iterable[tuple[bytes, float]]) -> dict[str, list[int]]:
    """Return found and not found by query."""
    sums: dict[str, list[int]] = {}
    for member, visitors in counted:
        text = member.decode()
        sums.setdefault(text[1:], [0, 0])[text[0] == "-"] += int(visitors)
    return sums


def _add(day: dt.date, sums: Mapping[str, list[int]]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD,
            {
                "queries": list(sums),
                "days": [day] * len(sums),
                "found": [found for found, _ in sums.values()],
                "not_found": [not_found for _, not_found in sums.values()],
            },
        )
    return len(sums)


def _prune() -> None:
    now = timezone.now()
    long_ago = now - dt.timedelta(seconds=2 * KEEP_IN_REDIS)
    prune(SearchBatch.objects.filter(added_at__lt=long_ago))
    prune(SearchCount.objects.filter(day__lt=(now - KEEP_COUNTS).date()))
    single = SearchCount.objects.filter(found__lte=1, not_found__lte=1)
    prune(single.filter(day__lt=(now - KEEP_SINGLE).date()))


def _key(name: str) -> str:
    return str(cache.make_key(f"search:{name}"))
