"""The real nginx with the real configuration, on addresses of a test's own."""

import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from devtools.launcher.ports import LOOPBACK, choose_port

CONFIGURATION = Path(__file__).resolve().parents[2] / "docker" / "nginx.conf"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_START_SECONDS = 300.0
_MAIN = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    types {{ text/css css; application/javascript js; image/svg+xml svg; }}
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/default.conf;
}}
"""


class Names:
    """A name server that answers `address` to whatever is asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((LOOPBACK, 0))
        self.port: int = self._sock.getsockname()[1]

    @classmethod
    @contextmanager
    def answering(cls, address: str = LOOPBACK) -> Iterator[Self]:
        names = cls(address)
        thread = threading.Thread(target=names._serve, daemon=True)
        thread.start()
        try:
            yield names
        finally:
            with names._sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (LOOPBACK, names.port))
                thread.join(10)

    def _serve(self) -> None:
        while asked := self._sock.recvfrom(512):
            query, asker = asked
            if not query:
                return
            question = query[12 : query.index(b"\0", 12) + 5]
            head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0)
            record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(self.address)
            with suppress(OSError):
                self._sock.sendto(head + question + record, asker)


@contextmanager
def running_nginx(folder: Path, *, web_port: int, names: Names) -> Iterator[str]:
    """Keep nginx before the web process on `web_port`, whose address `names` knows, and yield its
    own address. Its files are served from `folder`."""
    port = choose_port()
    (folder / "static").mkdir()
    (folder / "default.conf").write_text(_adapt(folder, port, web_port, names))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user))
    assert NGINX is not None
    process = subprocess.Popen(
        [
            NGINX,
            "-p",
            str(folder),
            "-e",
            str(folder / "error.log"),
            "-c",
            str(folder / "nginx.conf"),
        ]
    )
    try:
        _await_port(process, port, folder)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _adapt(folder: Path, port: int, web_port: int, names: Names) -> str:
    text = CONFIGURATION.read_text()
    for given, ours in (
        ("listen 8080;", f"listen {LOOPBACK}:{port};"),
        ("resolver 127.0.0.11 valid=5s", f"resolver {LOOPBACK}:{names.port} valid=1s"),
        ("set $web web:8000;", f"set $web web:{web_port};"),
        ("/srv/", f"{folder}/"),
    ):
        assert given in text, given
        text = text.replace(given, ours)
    assert not re.search(r"/etc/|/srv/", text)
    return text


def _await_port(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=5):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError((folder / "error.log").read_text())
        time.sleep(0.05)
