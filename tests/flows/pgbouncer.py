"""PgBouncer before the test's PostgreSQL, where it is installed."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from devtools.launcher.ports import LOOPBACK, choose_port, listens

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def running_pgbouncer(**options: str) -> Iterator[int]:
    """Keep PgBouncer running, in transaction mode with few connections, and yield its port."""
    assert PROGRAM is not None
    port = choose_port()
    with tempfile.TemporaryDirectory(prefix="learnflow-pgbouncer-") as folder:
        config = _write_config(Path(folder), port, options)
        as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen([PROGRAM, *as_user, str(config)], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 300
            while not listens(pid=process.pid, port=port):
                said = (Path(folder) / "log").read_text()
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=60)


def _write_config(folder: Path, port: int, options: dict[str, str]) -> Path:
    server = connection.settings_dict
    folder.chmod(0o755)
    users = folder / "users.txt"
    users.write_text(f'"{server["USER"]}" "{server["PASSWORD"]}"\n')
    lines = {
        "listen_addr": LOOPBACK, "listen_port": str(port), "unix_socket_dir": "",
        "auth_type": "plain", "auth_file": str(users), "pool_mode": "transaction",
        # So few that what one request leaves behind, another one finds.
        "default_pool_size": "3", "max_client_conn": "200", **options,
    }  # fmt: skip
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n{server['NAME']} = host={LOOPBACK} port={server['PORT']}\n[pgbouncer]\n"
        + "".join(f"{name} = {value}\n" for name, value in lines.items())
    )
    return config
