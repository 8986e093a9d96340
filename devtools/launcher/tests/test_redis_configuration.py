"""The embedded Redis is told its folder whatever that is called."""

import os
from pathlib import Path

import pytest

from devtools.launcher.ports import choose_port
from devtools.launcher.redis import Redis
from devtools.launcher.tests.serving import serving


@pytest.mark.parametrize(
    "name", [b"plain", b'it\'s a "long" one', "日本 é".encode(), b"back\\slash", b"Latin \xe9"]
)
def test_it_starts_in_a_folder_of_any_name(tmp_path: Path, name: bytes) -> None:
    server = Redis(tmp_path / os.fsdecode(name), choose_port(), "secret", durable=False)
    with serving(server):
        assert server.answers()
