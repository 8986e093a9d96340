"""The web server: threads in a few processes, as most of a request is waiting for PostgreSQL.

gunicorn itself takes the number of processes from WEB_CONCURRENCY.
"""

import ctypes
import logging
import os
from pathlib import Path
from typing import Any

from gunicorn.util import parse_address
from prometheus_client import multiprocess

from core.logging import describe_logging

# What is no address, and further below no number, stops the start in words as soon as the settings
# are read.
bind = os.environ.get("BIND") or "0.0.0.0:8000"
try:
    for _part in bind.split(","):
        parse_address(_part.strip())
except RuntimeError:
    bind = "127.0.0.1:0"
# gunicorn's threads ("gthread"), none of which ever waits for a visitor's next byte.
worker_class = "learnflow.web.worker.GatheringWorker"
# Below the usual limit of open files, 1,024: when all are taken the slowest has to go.
worker_connections = 800
_threads = os.environ.get("WEB_THREADS") or "8"
threads = int(_threads) if _threads.isdecimal() else 1
# No header says where the path begins: gunicorn would believe what comes from loopback.
forwarder_headers = ""
preload_app = True
# It would listen in the home folder, where two instances meet; signals do all we need.
control_socket_disable = True

timeout = 60
graceful_timeout = 10
# Longer than the idle time of the proxy's connections, so that it never writes into a closed one.
keepalive = 75

# Renews the processes now and then, not all at once: a slow leak never grows old.
max_requests = 10_000
max_requests_jitter = 1_000

# The heartbeat file in memory: on a busy disk a worker would be killed for being slow.
_shared_memory = Path("/dev/shm")  # noqa: S108 - the system's own, not a temporary file
worker_tmp_dir = str(_shared_memory) if _shared_memory.is_dir() else None

# M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h.
_ARENAS, _OWN_PAGES_FROM, _KEPT_ON_TOP = -8, -3, -1

accesslog = "-"
# Without the query string, which may hold what nobody else is to read.
access_log_format = "%(m)s %(U)s %(s)s %(b)s %(M)sms"
# What is neither stops the start in words, too.
_level, _form = os.environ.get("LOG_LEVEL") or "", os.environ.get("LOG_FORMAT") or ""
logconfig_dict = describe_logging(
    level=_level if _level in logging.getLevelNamesMapping() else "INFO",
    form=_form if _form in ("text", "json") else "text",
)


def post_fork(server: object, worker: object) -> None:
    """Let memory be given back: what large answers took would otherwise stay with whichever thread
    made them, each in an arena of its own, and in holes between what is kept."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        # Only glibc has it, and the habit.
        return
    mallopt(_ARENAS, 2)
    mallopt(_OWN_PAGES_FROM, 256 * 1024)
    mallopt(_KEPT_ON_TOP, 1024 * 1024)


def child_exit(server: object, worker: Any) -> None:
    """Take the numbers of a process that ended out of the gauges of the living."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)
