"""Staff write other people's courses by the rights that the admin asks for, and all of it is in the
audit trail, before and after."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from core.models import AuditEntry
from courses.models import Course, Lesson
from tests.factories import (
    EnrollmentFactory,
    InstructorFactory,
    StaffFactory,
    make_course,
    sign_in,
)
from users.models import User

pytestmark = pytest.mark.django_db

COURSES = "/api/v1/courses/"


@pytest.fixture
def course() -> Course:
    return make_course(sections=2, lessons=2, price="20.00", original_price=None)


def member(*rights: str, **fields: Any) -> User:
    person = StaffFactory.create(is_superuser=False, **fields)
    person.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return person


def paths(course: Course) -> dict[str, Callable[[APIClient], Any]]:
    base = f"{COURSES}{course.id}/"
    section = course.curriculum.order_by("order")[0]
    lesson = section.lessons.order_by("order")[1]
    sections, lessons = f"{base}curriculum/", f"{base}curriculum/{section.id}/lessons/"
    ids = [str(one.id) for one in course.curriculum.order_by("-order")]
    lesson_ids = [str(one.id) for one in section.lessons.order_by("-order")]
    return {
        "price": lambda c: c.patch(base, {"price": 1}),
        "publish": lambda c: c.post(f"{base}publish/"),
        "unpublish": lambda c: c.post(f"{base}unpublish/"),
        "delete": lambda c: c.delete(base),
        "thumbnail": lambda c: c.delete(f"{base}thumbnail/"),
        "duplicate": lambda c: c.post(f"{base}duplicate/"),
        "export": lambda c: c.get(f"{base}export/"),
        "create": lambda c: c.post(COURSES, {"title": "Mine"}),
        "add section": lambda c: c.post(sections, {"title": "More"}),
        "edit section": lambda c: c.patch(f"{sections}{section.id}/", {"title": "New"}),
        "order sections": lambda c: c.post(f"{sections}reorder/", {"order": ids}),
        "delete section": lambda c: c.delete(f"{sections}{section.id}/"),
        "add lesson": lambda c: c.post(lessons, {"title": "More"}),
        "edit lesson": lambda c: c.patch(f"{lessons}{lesson.id}/", {"title": "New"}),
        "order lessons": lambda c: c.post(f"{lessons}reorder/", {"order": lesson_ids}),
        "delete lesson": lambda c: c.delete(f"{lessons}{lesson.id}/"),
    }


NEEDED = {
    "price": ["change_course"],
    "publish": ["change_course"],
    "unpublish": ["change_course"],
    "delete": ["delete_course", "delete_curriculum"],
    "thumbnail": ["change_course"],
    "duplicate": ["add_course", "add_curriculum", "add_lesson"],
    "export": ["view_course", "view_curriculum", "view_lesson"],
    "create": ["add_course"],
    "add section": ["add_curriculum"],
    "edit section": ["change_curriculum"],
    "order sections": ["change_curriculum"],
    "delete section": ["delete_curriculum"],
    "add lesson": ["add_lesson"],
    "edit lesson": ["change_lesson"],
    "order lessons": ["change_lesson"],
    "delete lesson": ["delete_lesson"],
}


def everything_of(course: Course) -> Any:
    rows = Lesson.objects.filter(curriculum__course=course).order_by("id")
    return (
        list(Course.objects.filter(id=course.id).values()),
        list(course.curriculum.order_by("id").values()),
        list(rows.values()),
        Course.objects.count(),
    )


@pytest.mark.parametrize("deed", sorted(NEEDED))
def test_each_path_asks_for_its_right(course: Course, deed: str) -> None:
    everything = set(Permission.objects.values_list("codename", flat=True))
    before = everything_of(course)
    for missing in [None] if len(NEEDED[deed]) == 1 else NEEDED[deed]:
        lacking = {missing} if missing else set(NEEDED[deed])
        client = sign_in(member(*(everything - lacking)))
        answer = paths(course)[deed](client)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert everything_of(course) == before
    assert not AuditEntry.objects.exists()
    answer = paths(course)[deed](sign_in(member(*NEEDED[deed])))
    assert answer.status_code < 300, answer.json()


@pytest.mark.parametrize("deed", sorted(set(NEEDED) - {"export", "thumbnail", "publish"}))
def test_each_write_is_in_the_trail(course: Course, deed: str) -> None:
    person = member(*NEEDED[deed])
    paths(course)[deed](sign_in(person))
    # Services add entries of their own to some of it.
    entry = AuditEntry.objects.get(details__has_key="changes")
    assert entry.actor_id == person.id
    assert entry.address == "127.0.0.1"
    assert len(entry.request_id) > 8
    assert entry.target_type == "course"
    assert entry.details["changes"]


def test_the_trail_says_what_was_and_what_is(course: Course) -> None:
    answer = sign_in(member("change_course")).patch(f"{COURSES}{course.id}/", {"price": 1})
    entry = AuditEntry.objects.get()
    changes = entry.details["changes"]
    assert changes == {f"course:{course.id}": {"price": ["20.00", "1.00"]}}
    assert (entry.action, entry.target_id) == ("course.change_courses", str(course.id))
    assert entry.request_id == answer["X-Request-ID"]


def test_a_change_of_nothing_leaves_no_trace(course: Course) -> None:
    sign_in(member("change_course")).patch(f"{COURSES}{course.id}/", {"title": course.title})
    assert not AuditEntry.objects.exists()


def test_ones_own_course_is_no_business_of_the_trail(course: Course) -> None:
    for teacher in (course.instructor, InstructorFactory.create(is_staff=True)):
        Course.objects.filter(id=course.id).update(instructor=teacher)
        answer = sign_in(teacher).patch(f"{COURSES}{course.id}/", {"title": f"By {teacher.id}"})
        assert answer.status_code == 200
    assert not AuditEntry.objects.exists()


def test_archiving_by_delete_asks_for_the_right_to_change(course: Course) -> None:
    EnrollmentFactory.create(course=course)
    path = f"{COURSES}{course.id}/"
    assert sign_in(member("delete_course", "delete_curriculum")).delete(path).status_code == 403
    assert sign_in(member("delete_course", "change_course")).delete(path).status_code == 200
    course.refresh_from_db()
    assert course.status == "archived"


def test_who_made_a_course_by_right_has_no_more_in_it_than_in_others() -> None:
    client = sign_in(member("add_course"))
    made = client.post(COURSES, {"title": "Mine"}).json()
    path = f"{COURSES}{made['id']}/"
    assert client.post(f"{path}curriculum/", {"title": "More"}).status_code == 403
    assert client.patch(path, {"price": 3}).status_code == 403


def test_the_flag_alone_reads_drafts_and_opens_lessons() -> None:
    draft = make_course(sections=1, lessons=2, status="draft")
    client = sign_in(member())
    assert client.get(f"{COURSES}{draft.id}/").status_code == 200
    assert client.get(f"/api/v1/instructor/courses/{draft.id}/").status_code == 200
    lesson = Lesson.objects.filter(is_preview=False)[0]
    assert client.get(f"/api/v1/lessons/{lesson.id}/").json()["video_url"]
    Course.objects.filter(id=draft.id).update(status="published")
    sign_in(member()).post(f"{COURSES}{draft.id}/unpublish/")
    draft.refresh_from_db()
    assert draft.status == "published"
