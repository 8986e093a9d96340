"""Ports: free ones, remembered ones, and whose they are."""

import os
import socket
from collections.abc import Iterator

import pytest

from devtools.launcher import ports


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        yield server


def test_a_port_with_a_server_is_not_free(listener: socket.socket) -> None:
    port = listener.getsockname()[1]

    assert not ports.is_free(port)
    listener.close()
    assert ports.is_free(port)


def test_the_remembered_port_is_kept_while_it_is_free(listener: socket.socket) -> None:
    remembered = ports.choose_port()
    occupied = listener.getsockname()[1]

    assert ports.choose_port(preferred=remembered) == remembered
    assert ports.choose_port(preferred=remembered, taken=[remembered]) != remembered
    assert ports.choose_port(preferred=occupied) != occupied


def test_only_the_process_that_listens_counts_as_listening(listener: socket.socket) -> None:
    port = listener.getsockname()[1]

    assert ports.listens(pid=os.getpid(), port=port)
    assert not ports.listens(pid=os.getppid(), port=port)
    assert not ports.listens(pid=os.getpid(), port=ports.choose_port())
