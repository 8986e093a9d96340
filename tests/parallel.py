"""Real threads with connections of their own, let loose at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection


def run_in_parallel(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call `call(0)` … `call(count - 1)` at once; return what each returned or raised."""
    start = threading.Barrier(count)

    def run(number: int) -> Any:
        try:
            start.wait(timeout=100)
            return call(number)
        except Exception as exc:
            return exc
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(run, range(count)))


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make different calls at once; return what each returned or raised, in their order."""
    return run_in_parallel(len(calls), lambda number: calls[number]())
