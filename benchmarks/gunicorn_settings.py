"""The one web server of every measured application: one process, four threads, no access log."""

from pathlib import Path

workers = 1
worker_class = "gthread"
threads = 4
# Loaded by the worker itself: the main process forks nothing that holds a connection.
preload_app = False
control_socket_disable = True
timeout = 60
keepalive = 75
# Renewing the process in the middle of a measurement would be measured too.
max_requests = 0
accesslog = None
loglevel = "warning"

_shared_memory = Path("/dev/shm")
worker_tmp_dir = str(_shared_memory) if _shared_memory.is_dir() else None
