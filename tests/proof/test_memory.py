"""What a web process takes of memory while nobody asks the same twice, and asks for the largest."""

import io
import os
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from django.utils import timezone
from PIL import Image

from courses import portability
from courses.authors import author_from
from courses.models import Course, Lesson
from courses.services import refresh_search
from courses.services.changed import settle_curriculum
from courses.tests.portability.making import as_json, minimal
from tests.factories import CourseFactory, InstructorFactory, SectionFactory, make_course
from tests.factories.people import open_test_session
from tests.flows.web import PATIENT, running_web
from users.models import User
from users.tokens import issue_tokens

# The whole of it is `make memory-test`.
WHOLE = "PROOF_REQUESTS" in os.environ
REQUESTS = int(os.environ.get("PROOF_REQUESTS", "400"))
# Measured at rest: nothing is under way between two samples.
LARGE = REQUESTS >= 1_000
SAMPLE = 1_000 if LARGE else 100
LONG, SMALL, LEGACY_LESSONS = (10, 200, 5_000) if LARGE else (1, 25, 1_000)
THREADS = 8
MIB = 1024 * 1024
# Memory is flat when no sample after the first tenth is further than this from their middle.
FLAT = 20 * MIB
API = "/api/v1"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if WHOLE else 1800),
]


@pytest.fixture
def web(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """One web process that is never renewed, as shipped otherwise, but for the patience to answer
    all who ask at once on a busy machine."""
    waits = {"WEB_THREADS": f"{THREADS + 1}", "SLOW_WAITS": f"{THREADS}"}
    never = {"GUNICORN_CMD_ARGS": "--max-requests 0"}
    with running_web(tmp_path, **PATIENT, **waits, **never) as url:
        yield url


def test_memory_is_flat_whoever_asks_for_what(
    web: str, capsys: pytest.CaptureFixture[str], record_property: Any
) -> None:
    process = worker_of(web)
    ask = _Crowd(web)
    curve = [process.memory_info().rss]
    with ThreadPoolExecutor(THREADS) as pool:
        for first in range(0, REQUESTS, SAMPLE):
            for _ in pool.map(ask, range(first, min(first + SAMPLE, REQUESTS))):
                pass
            curve.append(process.memory_info().rss)
            tell(capsys, f"{first + SAMPLE:>7,} requests: {curve[-1] / MIB:6.1f} MiB")
    ask.close()
    settled = curve[1 + len(curve) // 10 :]
    record_property("curve", [round(rss / MIB, 1) for rss in curve])
    span = f"{min(settled) / MIB:.1f} to {max(settled) / MIB:.1f} MiB"
    tell(capsys, f"from {span}; the largest answer had {ask.largest:,} bytes")
    assert ask.failures == []
    if WHOLE:
        assert max(settled) - min(settled) <= 2 * FLAT
    assert process.is_running()


def tell(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Show how it goes, which takes minutes."""
    with capsys.disabled():
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class _Crowd:
    """Asks for what the number says; no two numbers for the same."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=300)
        self.failures: list[str] = []
        self.largest = 0
        self._teacher = InstructorFactory.create()
        tokens = issue_tokens(session=open_test_session(self._teacher))
        self._token = {"Authorization": f"Bearer {tokens.access}"}
        self._long = [long_course(self._teacher, number) for number in range(LONG)]
        self._legacy = [legacy_course(self._teacher) for _ in range(2)]
        self._small = [make_course(instructor=self._teacher).id for _ in range(SMALL)]
        refresh_search(course_ids=list(Course.objects.values_list("id", flat=True)))
        self._picture = large_picture()
        self._kinds = self._list_kinds()

    def __call__(self, number: int) -> None:
        response = self._kinds[number % len(self._kinds)](number)
        self.largest = max(self.largest, len(response.content))
        if response.status_code not in {200, 201}:
            self.failures.append(f"{response.request.url}: {response.status_code}")

    def close(self) -> None:
        self._client.close()

    def _get(self, path: str, *, signed_in: bool = False) -> httpx.Response:
        return self._client.get(f"{API}{path}", headers=self._token if signed_in else {})

    def _list_kinds(self) -> list[Callable[[int], httpx.Response]]:
        long, legacy, small = self._long, self._legacy, self._small
        common = [
            lambda n: self._get(f"/courses/?min_price=0.{n:09}&facets=1&page_size=100"),
            lambda n: self._get(f"/courses/{long[n % LONG]}/?nonce={n}"),
            lambda n: self._get(f"/courses/{small[n % SMALL]}/?utm_{n}=x"),
            lambda n: self._get(f"/courses/{long[n % LONG]}/lessons/?page_size=100&{n}={n}"),
            lambda n: self._get(f"/courses/?search=course+{words(n)}&page_size=100"),
            lambda n: self._get(f"/search/?q={words(n)}"),
            lambda n: self._get(f"/courses/?page_size=100&max_price=1{n:08}&_={n}"),
            lambda n: self._get(f"/search/suggest/?q={words(n)[:9]}"),
            lambda n: self._get(f"/courses/?page_size={n % 100 + 1}&ordering=newest&{n}={n}"),
            lambda n: self._get(f"/courses/{legacy[n % 2]}/?x={n}", signed_in=bool(n % 3)),
        ]  # fmt: skip
        rare = [
            lambda n: self._get(f"/courses/{long[n % LONG]}/curriculum/", signed_in=True),
            lambda n: self._get(f"/courses/{long[n % LONG]}/export/?format=zip", signed_in=True),
            self._send_picture,
            lambda n: self._get(f"/courses/{legacy[n % 2]}/export/", signed_in=True),
        ]
        return common * 25 + rare

    def _send_picture(self, number: int) -> httpx.Response:
        return self._client.post(
            f"{API}/users/profile/picture/",
            files={"profile_picture": (f"{number}.webp", self._picture)},
            headers=self._token,
        )


def long_course(teacher: User, number: int) -> Any:
    """The largest course that may be made today, imported."""
    lesson = {"description": "d" * 1_900, "video_url": "https://v.example.test/" + "x" * 60}
    curriculum = [
        {"title": f"S {s}", "lessons": [{"title": f"L {n}", **lesson} for n in range(100)]}
        for s in range(10)
    ]
    content = as_json(minimal(title=f"Long {number}", curriculum=curriculum))
    course = portability.import_course(author=author_from(teacher), content=content)
    publish(course.id)
    return course.id


def legacy_course(teacher: User) -> Any:
    """A larger one, from before there were bounds."""
    course = CourseFactory.create(instructor=teacher)
    section_size = 200
    for place in range(LEGACY_LESSONS // section_size):
        section = SectionFactory.create(course=course, order=place + 1)
        Lesson.objects.bulk_create(
            Lesson(curriculum=section, order=n + 1, title=f"L {n}", description="d" * 900)
            for n in range(section_size)
        )
    settle_curriculum(course_id=course.id)
    return course.id


def publish(course_id: Any) -> None:
    Course.objects.filter(id=course_id).update(
        status="published", published_at=timezone.now(), is_priced=True, price=10
    )


def large_picture() -> bytes:
    """As many pixels as are taken, in the format that takes most memory."""
    out = io.BytesIO()
    Image.new("RGB", (4_000, 4_000), "teal").save(out, "WEBP", lossless=True, method=0)
    return out.getvalue()


def words(number: int) -> str:
    """Words that no other number has, now and then misspelt ones of the catalogue."""
    dice = random.Random(number)
    return f"corse {dice.randrange(10**6):x} " + "".join(dice.choices("abcdefghij", k=8))


def worker_of(url: str) -> psutil.Process:
    """Return gunicorn's one worker at that address."""
    port = url.rpartition(":")[2]
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if f"127.0.0.1:{port}" in command and (children := process.children()):
            (worker,) = children
            return worker
    raise AssertionError(f"nobody serves {url}")
