"""The front door: answers exactly what Django would, remembers for a moment, leaves the rest."""

import io
import json
import re

import pytest
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, close_old_connections
from django.utils import timezone

from api.front import FrontDoor
from core.sizes import measure
from courses.cache import SHARES, forget_all, generation
from courses.models import Course
from courses.selectors import facets, pages
from courses.services import mark_changed, unpublish_course
from tests.factories import (
    CartItemFactory,
    CourseFactory,
    OrderFactory,
    OrderItemFactory,
    UserFactory,
    make_course,
    sign_in,
)

pytestmark = pytest.mark.django_db

LIST = "/api/v1/courses/"
DJANGO = get_wsgi_application()


def request(path, **headers):
    path, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
        "SERVER_NAME": "testserver", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "testserver", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(), **headers,
    }  # fmt: skip


def ask(application, path, **headers):
    started = []
    response = application(request(path, **headers), lambda *given: started.append(given))
    body = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    ((status, sent),) = started
    return status, sorted(sent), body


@pytest.fixture(autouse=True)
def _keep_to_the_test(monkeypatch):
    """Nothing is remembered beyond a test, and requests don't close its connection."""
    monkeypatch.setattr("api.front.close_old_connections", lambda: None)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    forget_all()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def asked():
    """Requests that came through to Django."""
    return []


@pytest.fixture
def door(asked):
    def django(environ, start_response):
        asked.append(environ["PATH_INFO"])
        return DJANGO(environ, start_response)

    return FrontDoor(django)


def token_of(person):
    # What the client was told to send along.
    return vars(sign_in(person))["_credentials"]["HTTP_AUTHORIZATION"]


@pytest.mark.parametrize("origin", [None, "http://localhost:5173", "http://elsewhere.example"])
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_answers_are_djangos_header_for_header(door, asked, settings, origin, is_signed_in):
    settings.CATALOGUE_PAGE_SECONDS = 60
    course = make_course()
    person = UserFactory.create()
    CartItemFactory.create(course=course, cart__user=person)
    headers = {"HTTP_X_REQUEST_ID": "the-same-for-both"}
    if origin:
        headers["HTTP_ORIGIN"] = origin
    if is_signed_in:
        headers["HTTP_AUTHORIZATION"] = token_of(person)
    paths = (LIST, f"{LIST}?ordering=newest&page_size=5", f"{LIST}{course.id}/",
             f"{LIST}{course.slug}/", f"{LIST}featured/", f"{LIST}?facets=1")  # fmt: skip
    for path in paths:
        ask(door, path, **headers)
    asked.clear()
    for path in paths:
        expected = ask(DJANGO, path, **headers)
        for _ in ("read", "remembered"):
            assert ask(door, path, **headers) == expected
        etag = dict(expected[1])["ETag"]
        for known in (etag, f'W/{etag}, "x"', "*"):
            unchanged = ask(DJANGO, path, HTTP_IF_NONE_MATCH=known, **headers)
            assert unchanged[0] == "304 Not Modified"
            assert not unchanged[2]
            assert ask(door, path, HTTP_IF_NONE_MATCH=known, **headers) == unchanged
    assert not asked


def test_each_request_has_its_own_id(door):
    CourseFactory.create()
    ids = [dict(ask(door, LIST)[1])["X-Request-ID"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert dict(ask(door, LIST, HTTP_X_REQUEST_ID="given-by-client")[1])["X-Request-ID"] == (
        "given-by-client"
    )


@pytest.mark.parametrize(
    "path",
    [f"{LIST}?level=expert", f"{LIST}?page=99", f"{LIST}no-such-course/", f"{LIST}?category=x",
     f"{LIST}a%00b/", f"{LIST}related/x/", "/api/v1/nothing/", f"{LIST}?search=%00"],
)  # fmt: skip
def test_refusals_are_djangos(door, asked, path):
    CourseFactory.create()
    ask(door, LIST)
    asked.clear()
    ours, theirs = ask(door, path), ask(DJANGO, path)
    assert asked == [path.partition("?")[0]]
    assert ours[0] == theirs[0]
    assert ours[0][0] == "4"
    strip = re.compile(rb'"request_id": ?"[^"]+"')
    assert strip.sub(b"", ours[2]) == strip.sub(b"", theirs[2])


def test_a_bad_token_is_refused_and_a_viewers_page_never_remembered(door, settings):
    settings.CATALOGUE_PAGE_SECONDS = 60
    course = CourseFactory.create()
    person = UserFactory.create()
    token = token_of(person)
    for _ in range(2):
        assert ask(door, LIST, HTTP_AUTHORIZATION="Bearer x")[0].startswith("401")
        assert b'"in_cart":false' in ask(door, LIST, HTTP_AUTHORIZATION=token)[2]
        assert b'"in_cart":false' in ask(door, LIST)[2]
    CartItemFactory.create(course=course, cart__user=person)
    assert b'"in_cart":true' in ask(door, LIST, HTTP_AUTHORIZATION=token)[2]
    assert b'"in_cart":true' not in ask(door, LIST)[2]


def test_a_write_is_seen_at_the_next_look_at_the_generation(
    door, settings, django_capture_on_commit_callbacks
):
    settings.CATALOGUE_PAGE_SECONDS = settings.CATALOGUE_COUNT_SECONDS = 60
    course = CourseFactory.create(price=10, original_price=None)
    ask(door, LIST)
    before = ask(door, LIST)[2]
    assert b'"price":10.0' in before
    Course.objects.filter(id=course.id).update(price=11)
    assert ask(door, LIST)[2] == before
    with django_capture_on_commit_callbacks(execute=True):
        mark_changed(course_id=course.id)
    generation.forget()
    assert b'"price":11.0' in ask(door, LIST)[2]
    Course.objects.filter(id=course.id).update(status="draft")
    with django_capture_on_commit_callbacks(execute=True):
        mark_changed(course_id=course.id)
    generation.forget()
    assert b'"count":0' in ask(door, LIST)[2]


def test_a_page_that_is_refused_is_not_given_out_again(
    door, settings, django_capture_on_commit_callbacks
):
    settings.CATALOGUE_PAGE_SECONDS = 60
    path = f"{LIST}{CourseFactory.create(slug='lute').slug}/"
    assert [ask(door, path)[0] for _ in range(3)] == ["200 OK"] * 3
    with django_capture_on_commit_callbacks(execute=True):
        unpublish_course(course_id=Course.objects.get().id, actor_id=None)
    generation.forget()
    assert [ask(door, path)[0] for _ in range(3)] == ["404 Not Found"] * 3


def test_what_is_remembered_is_counted_by_the_throttle(door, settings, monkeypatch):
    settings.CATALOGUE_PAGE_SECONDS = 60
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "catalogue": "4/hour"}
    cache.clear()
    CourseFactory.create()
    statuses = [ask(door, LIST)[0][:3] for _ in range(6)]
    assert statuses == ["200"] * 4 + ["429"] * 2


def test_what_only_its_buyer_sees_is_remembered_for_nobody(door, settings):
    settings.CATALOGUE_PAGE_SECONDS = settings.CATALOGUE_SPARE_SECONDS = 60
    ask(door, LIST)  # learns the envelope
    course = make_course(status="archived")
    order = OrderFactory.create(payment_in_progress_since=timezone.now())
    OrderItemFactory.create(order=order, course=course)
    path, token = f"{LIST}{course.id}/", token_of(order.user)
    for _ in range(2):
        status, headers, _ = ask(door, path, HTTP_AUTHORIZATION=token)
        assert status.startswith("200")
        assert ("Cache-Control", "private, no-store") in headers
        assert ask(door, path)[0].startswith("404")


def test_hidden_media_are_in_no_public_answer(door, settings):
    settings.CATALOGUE_PAGE_SECONDS = 60
    course = make_course()
    path = f"{LIST}{course.id}/"
    ask(door, path)
    teacher = ask(door, path, HTTP_AUTHORIZATION=token_of(course.instructor))[2]
    teacher = ask(door, path, HTTP_AUTHORIZATION=token_of(course.instructor))[2]
    assert teacher.count(b"lesson.mp4") == 4
    for _ in range(2):
        assert ask(door, path)[2].count(b"lesson.mp4") == 1


def test_without_redis_the_list_and_the_page_still_answer(door, settings, monkeypatch):
    settings.CATALOGUE_PAGE_SECONDS = 60
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "catalogue": "4/hour"}
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    }
    course = CourseFactory.create()
    generation.forget()
    for path in (LIST, LIST, f"{LIST}{course.id}/"):
        assert ask(door, path)[0] == "200 OK"


def test_strange_parameters_neither_miss_nor_fill_the_memory(door, asked, settings, monkeypatch):
    settings.CATALOGUE_PAGE_SECONDS = 60
    course = CourseFactory.create()
    CourseFactory.create(level=course.level)
    same = f"{LIST}?level={course.level}&page_size=1"
    first = [ask(door, same) for _ in range(2)][1]
    detail = [ask(door, f"{LIST}{course.id}/") for _ in range(2)][1]
    kept = len(door._answers)
    monkeypatch.setattr(door, "_read", None)
    for number in range(50):
        for path in (
            f"{LIST}?page_size=1&utm_{number}=x&level={course.level}&category=",
            f"{LIST}?level=beginner&page_size=1&level={course.level}&_={number}",
        ):
            status, _, body = ask(door, path)
            assert (status, body) == ("200 OK", first[2])
        assert ask(door, f"{LIST}{course.id}/?nonce={number}")[2] == detail[2]
    assert len(door._answers) == kept


def test_links_repeat_what_was_read_and_nothing_else(door, settings):
    settings.CATALOGUE_PAGE_SECONDS = 60
    for _ in range(3):
        CourseFactory.create(level="beginner", is_featured=True)
    given = "utm=1&page_size=1&level=beginner&page=2&search="
    for path in (LIST, f"{LIST}featured/"):
        for answered_by in (door, door, DJANGO):
            body = json.loads(ask(answered_by, f"{path}?{given}")[2])
            known = "level=beginner&" if path == LIST else ""
            assert body["next"].endswith(f"{path}?{known}page=3&page_size=1")
            assert body["previous"].endswith(f"{path}?{known}page_size=1")


def test_what_the_door_remembers_is_bounded_in_bytes(door, settings):
    settings.CATALOGUE_PAGE_SECONDS = settings.CATALOGUE_COUNT_SECONDS = 60
    settings.CATALOGUE_MEMORY_BYTES = 400_000
    for _ in range(30):
        CourseFactory.create()
    ask(door, LIST)
    for number in range(60):
        assert ask(door, f"{LIST}?min_price=0.{number:020}&facets=1")[0] == "200 OK"
    assert 0 < door._answers.size <= 400_000 * SHARES["pages"]
    held = sum(memory.size for memory in (pages._counts, facets._remembered, door._answers))
    assert held <= 400_000
    takes = sum(
        measure(key) + measure(entry.value) + 300
        for memory in (pages._counts, facets._remembered, door._answers)
        for key, entry in memory._entries.items()
    )
    assert takes <= held <= 1.1 * takes


def test_what_the_door_says_a_page_takes_is_no_less_than_it_takes(door, settings):
    settings.CATALOGUE_PAGE_SECONDS = 60
    course = make_course(title="Bread " + "é" * 200)
    for path in (LIST, f"{LIST}?level=beginner", f"{LIST}{course.slug}/"):
        ask(door, path)
        ask(door, path)
    for memory in (door._answers, door._spares, door._envelopes):
        assert len(memory) >= 2
        for key, entry in memory._entries.items():
            takes = measure(key) + measure(entry.value)
            assert takes <= entry.size <= takes + 1_200


def test_a_large_page_is_given_out_and_not_remembered(door, settings, monkeypatch):
    settings.CATALOGUE_PAGE_SECONDS = 60
    settings.CATALOGUE_ENTRY_BYTES = 20_000
    course = CourseFactory.create(description="x" * 30_000)
    for _ in range(3):
        status, _, body = ask(door, f"{LIST}{course.id}/")
        assert status == "200 OK"
        assert len(body) > 30_000
    assert door._answers.size == 0


@pytest.fixture
def away(monkeypatch):
    """Takes the database away."""

    def fail(*_, **__):
        raise OperationalError("PostgreSQL doesn't answer")

    return lambda: (
        monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", fail)
        or monkeypatch.setattr("core.postgresql.base.DatabaseWrapper.fetch", fail)
    )


class TestWithoutDatabase:
    @pytest.fixture(autouse=True)
    def _remembering(self, settings, monkeypatch):
        settings.CATALOGUE_PAGE_SECONDS = 1.0
        self.now = 1000.0
        monkeypatch.setattr("courses.cache.time.monotonic", lambda: self.now)

    @pytest.mark.parametrize("later", [5.0, 120.0, 290.0])
    def test_a_page_of_before_is_given_out(self, door, away, later):
        make_course(title="Still here")
        ask(door, LIST)
        status, headers, body = ask(door, LIST)
        self.now += later
        away()
        again = ask(door, LIST)
        assert (again[0], again[2]) == (status, body)
        assert [h for h in again[1] if h[0] != "X-Request-ID"] == [
            h for h in headers if h[0] != "X-Request-ID"
        ]
        etag = dict(headers)["ETag"]
        assert ask(door, LIST, HTTP_IF_NONE_MATCH=etag)[0].startswith("304")

    def test_but_not_for_ever_and_not_another_page(self, door, away):
        ask(door, LIST)
        ask(door, LIST)
        away()
        assert ask(door, LIST + "?level=beginner")[0].startswith("503")
        self.now += 302.0
        status, headers, body = ask(door, LIST)
        assert status.startswith("503")
        assert dict(headers)["Retry-After"] == "5"
        assert json.loads(body)["error"]["code"] == "SERVICE_UNAVAILABLE"

    def test_nor_one_that_was_refused_since(self, door, away):
        course = make_course()
        path = f"{LIST}{course.slug}/"
        ask(door, path)
        assert ask(door, path)[0].startswith("200")
        self.now += 5.0
        unpublish_course(course_id=course.id, actor_id=None)
        assert ask(door, path)[0].startswith("404")
        away()
        assert ask(door, path)[0].startswith("503")

    def test_nor_to_somebody_known(self, door, away):
        token = token_of(UserFactory())
        ask(door, LIST, HTTP_AUTHORIZATION=token)
        ask(door, LIST, HTTP_AUTHORIZATION=token)
        away()
        assert ask(door, LIST, HTTP_AUTHORIZATION=token)[0].startswith("503")
