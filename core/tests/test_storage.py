"""S3 hanging, failing, gone: what a caller meets, and what it costs the other threads."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.core.files.base import ContentFile

from core import process
from core.errors import FilesUnavailable
from core.storage import PatientS3Storage, breaker
from core.waits import slow_waits
from tests.flows.s3 import S3StandIn
from tests.parallel import run_in_parallel


@pytest.fixture(autouse=True)
def _web(settings: Any) -> Iterator[None]:
    settings.S3_TIMEOUT_SECONDS, settings.S3_PAUSE_SECONDS, settings.SLOW_WAITS = 2.0, 0.0, 6
    before = process.role()
    process.become("web")
    yield
    process.become(before)
    breaker.reset()
    assert slow_waits.count == 0


@pytest.fixture
def s3() -> Iterator[S3StandIn]:
    with S3StandIn.start() as standin:
        yield standin


@pytest.fixture
def storage(s3: S3StandIn) -> PatientS3Storage:
    opened = open_bucket(s3)
    # Made now: on a busy machine it takes longer than an operation may.
    assert opened.connection
    return opened


def open_bucket(s3: S3StandIn) -> PatientS3Storage:
    """A client with the time-outs that are set by now."""
    return PatientS3Storage(
        bucket_name="files", access_key="a", secret_key="b", region_name="eu-central-1",
        endpoint_url=s3.url, location="private",
    )  # fmt: skip


# Where an answer is to come, however busy the machine is.
ENOUGH = 30.0


def test_files_are_kept_and_read(s3: S3StandIn, settings: Any) -> None:
    settings.S3_TIMEOUT_SECONDS = ENOUGH
    storage = open_bucket(s3)
    name = storage.save("a/b.txt", ContentFile(b"content"))
    assert list(s3.objects) == ["/files/private/a/b.txt"]
    assert storage.exists(name)
    assert storage.size(name) == 7
    with storage.open(name) as file:
        # It is here already: S3 may go away now.
        s3.hang()
        assert file.read() == b"content"
    s3.go_on()
    storage.delete(name)
    assert not storage.exists(name)
    with pytest.raises(FileNotFoundError):
        storage.open(name)
    assert not breaker.is_open


CALLS = {
    "save": lambda storage: storage._save("a", ContentFile(b"b")),
    "open": lambda storage: storage.open("a"),
    "exists": lambda storage: storage.exists("a"),
    "delete": lambda storage: storage.delete("a"),
    "size": lambda storage: storage.size("a"),
    "listdir": lambda storage: storage.listdir("a"),
    "get_modified_time": lambda storage: storage.get_modified_time("a"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_gets_no_answer_is_given_up_and_the_next_ones_wait_for_nothing(
    storage: PatientS3Storage, s3: S3StandIn, settings: Any, call: str
) -> None:
    settings.S3_PAUSE_SECONDS = 600.0
    s3.hang()
    with pytest.raises(FilesUnavailable) as waited:
        CALLS[call](storage)
    assert waited.value.__cause__ is not None
    with pytest.raises(FilesUnavailable) as refused:
        storage.exists("the next")
    assert refused.value.__cause__ is None
    s3.go_on()
    breaker._next_try_at = time.monotonic()
    settings.S3_TIMEOUT_SECONDS = ENOUGH
    assert open_bucket(s3).exists("another") is False
    assert not breaker.is_open
    # A busy machine notes what it was sent before that later, but notes it.
    ends_at = time.monotonic() + 60
    while not (tried := [sent for sent in s3.requests if not sent.endswith("another")]):
        assert time.monotonic() < ends_at
        time.sleep(0.01)
    assert len(tried) <= 2
    assert not [sent for sent in tried if sent.endswith("next")]


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_trickle_of_bytes_is_given_up(
    storage: PatientS3Storage, s3: S3StandIn, settings: Any, part: str
) -> None:
    """Each byte comes in time, and all of them would take a quarter of an hour."""
    s3.objects["/files/private/a"] = b"." * 10_000
    s3.trickles = part
    begun = time.monotonic()
    with pytest.raises(FilesUnavailable):
        storage.open("a")
    assert time.monotonic() - begun < 60
    assert breaker.is_open
    s3.trickles = ""
    settings.S3_TIMEOUT_SECONDS = ENOUGH
    with open_bucket(s3).open("a") as file:
        assert file.read() == s3.objects["/files/private/a"]
    assert not breaker.is_open


UPLOAD = 7_000_000


def test_an_upload_that_is_taken_in_sips_is_given_up(settings: Any) -> None:
    with sipping_server() as (url, taken):
        storage = PatientS3Storage(
            bucket_name="files", access_key="a", secret_key="b", endpoint_url=url
        )
        assert storage.connection
        with pytest.raises(FilesUnavailable):
            storage._save("a", ContentFile(b"." * UPLOAD))
        # Without a limit an upload ends too, once all of it is taken and no answer comes.
        assert 0 < max(taken.values()) < UPLOAD


@contextmanager
def sipping_server() -> Iterator[tuple[str, Counter[int]]]:
    """Reads what it is sent, a little at a time, and says nothing. Yields its address and how many
    bytes each of its threads has taken."""
    ends = threading.Event()
    taken: Counter[int] = Counter()

    def serve(connection: socket.socket) -> None:
        with connection:
            while not ends.wait(0.1) and (sip := len(connection.recv(20_000))):
                taken[threading.get_ident()] += sip

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=listener.accept()[:1]))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        threads = [threading.Thread(target=accept, args=(listener,))]
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", taken
        finally:
            ends.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_s3_is_not_available(
    storage: PatientS3Storage, s3: S3StandIn, status: int
) -> None:
    s3.status = status
    with pytest.raises(FilesUnavailable):
        storage.save("a", ContentFile(b"b"))


def test_an_s3_that_is_gone_is_not_available(settings: Any) -> None:
    storage = PatientS3Storage(
        bucket_name="files", access_key="a", secret_key="b", endpoint_url="http://127.0.0.1:9"
    )
    with pytest.raises(FilesUnavailable):
        storage.exists("a")


def test_no_more_threads_wait_than_may(s3: S3StandIn, settings: Any) -> None:
    """The others are told before any of those who wait is."""
    settings.S3_TIMEOUT_SECONDS = ENOUGH
    storage = open_bucket(s3)
    s3.hang()
    ended: list[str] = []

    def ask(number: int) -> str:
        try:
            storage.exists(f"{number}")
        except FilesUnavailable as exc:
            ended.append("waited" if exc.__cause__ else "refused")
            if ended.count("refused") == 4:
                s3.go_on()
            return ended[-1]
        ended.append("answered")
        return "answered"

    assert Counter(run_in_parallel(10, ask)) == {"refused": 4, "answered": 6}
    assert ended[:4] == ["refused"] * 4
