"""Where PostgreSQL is: its name asked for beside the thread that waits for the answer.

psycopg asks for it before it begins to connect, which no time-out of its own bounds: a name server
that hangs holds the thread for as long as the system's resolver tries.
"""

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from psycopg._conninfo_attempts import conninfo_attempts
from psycopg._conninfo_utils import is_ip_address

_Place = tuple[tuple[str, str], ...]

_lock = threading.Lock()
_asked: dict[_Place, Future[dict[str, str]]] = {}


def has_name(options: Mapping[str, Any]) -> bool:
    """Whether one has to ask where that is."""
    hosts = str(options.get("host") or "").split(",")
    is_placed = options.get("hostaddr") or not any(hosts)
    return not is_placed and not all(host[:1] == "/" or is_ip_address(host) for host in hosts)


def look_up(options: Mapping[str, Any]) -> Future[dict[str, str]]:
    """Ask, unless somebody does already, and return what will be `host`, `hostaddr` and `port` of
    each address; or what psycopg raises. However many wait, one thread asks for one place."""
    place = tuple((name, str(options[name])) for name in ("host", "port") if options.get(name))
    with _lock:
        if (asked := _asked.get(place)) is None:
            asked = _asked[place] = Future()
            threading.Thread(target=_ask, args=(place, asked), daemon=True).start()
    return asked


def _ask(place: _Place, asked: Future[dict[str, str]]) -> None:
    try:
        found = conninfo_attempts(dict(place))
        names = ("hostaddr", *dict(place))
        answer = {name: ",".join(str(one.get(name) or "") for one in found) for name in names}
    except BaseException as exc:
        _forget(place)
        asked.set_exception(exc)
    else:
        _forget(place)
        asked.set_result(answer)


def _forget(place: _Place) -> None:
    with _lock:
        _asked.pop(place, None)
