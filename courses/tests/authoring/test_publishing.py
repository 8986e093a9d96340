"""On sale, off sale, and in review."""

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client

from core.models import AuditEntry
from courses import services
from courses.errors import CourseIncomplete, NotInReview
from courses.models import Course, CourseSubmission, Lesson
from courses.services.changed import GENERATION_KEY
from courses.tests.authoring.conftest import error_of, lessons_of, sections_of
from tests.factories import CategoryFactory, StaffFactory, make_course

PATH = "/api/v1/courses/"


@pytest.fixture
def moderated(settings):
    settings.COURSE_MODERATION = True


@pytest.fixture
def staff(db):
    return StaffFactory.create()


def note_of(client, course):
    body = client.get(f"/api/v1/instructor/courses/{course.id}/").json()
    return body["status"], body["review_note"]


@pytest.mark.django_db
class TestOnSale:
    def test_from_a_title_to_the_catalogue(self, client, api):
        """What is missing is named until nothing is."""
        course = client.post(PATH, {"title": "Kites"}).json()
        path = f"{PATH}{course['id']}/"
        missing = ["description", "category", "price", "lessons"]
        for part in ({"description": "All."}, {"category": CategoryFactory.create().slug},
                     {"price": 0}):  # fmt: skip
            refusal = client.post(f"{path}publish/")
            assert error_of(refusal) == (422, "COURSE_INCOMPLETE")
            assert set(refusal.json()["error"]["details"]) == set(missing)
            assert client.patch(path, part).json()["missing"] == missing[1:]
            missing = missing[1:]
        section = client.post(f"{path}curriculum/", {"title": "Start"}).json()
        assert error_of(client.post(f"{path}publish/")) == (422, "COURSE_INCOMPLETE")
        client.post(f"{path}curriculum/{section['id']}/lessons/", {"title": "Up"})
        assert api.get(path).status_code == 404
        for _ in range(2):
            body = client.post(f"{path}publish/").json()
            assert (body["status"], body["is_published"], body["missing"]) == (
                "published", True, [],
            )  # fmt: skip
        assert api.get(path).status_code == 200
        assert [row["id"] for row in api.get(PATH).json()["results"]] == [course["id"]]
        assert [entry.details for entry in AuditEntry.objects.all()] == [
            {"from": "draft", "to": "published"}
        ]

    def test_off_sale_and_on_again(self, client, course, api):
        for _ in range(2):
            body = client.post(f"{PATH}{course.id}/unpublish/").json()
            assert (body["status"], body["is_published"]) == ("draft", False)
        assert api.get(PATH).json()["count"] == 0
        assert api.get(f"{PATH}{course.id}/").status_code == 404
        again = client.post(f"{PATH}{course.id}/publish/").json()
        assert again["published_at"] == body["published_at"]
        assert AuditEntry.objects.count() == 2

    def test_an_archived_course_isnt_unpublished_but_can_come_back(self, client, course):
        services.archive_course(course_id=course.id, actor_id=None)
        assert client.post(f"{PATH}{course.id}/unpublish/").json()["status"] == "archived"
        assert client.post(f"{PATH}{course.id}/publish/").json()["status"] == "published"

    def test_removed_lessons_dont_count(self, client, draft):
        Lesson.objects.update(removed_at="2026-01-01T00:00:00Z")
        response = client.post(f"{PATH}{draft.id}/publish/")
        assert set(response.json()["error"]["details"]) == {"lessons"}


@pytest.mark.django_db
@pytest.mark.usefixtures("moderated")
class TestReview:
    def test_instructors_hand_in_and_staff_publish(self, client, draft, api, staff, teacher):
        for _ in range(2):
            body = client.post(f"{PATH}{draft.id}/publish/").json()
            assert (body["status"], body["is_published"]) == ("in_review", False)
        assert api.get(f"{PATH}{draft.id}/").status_code == 404
        services.approve_course(course_id=draft.id, actor_id=staff.id, note="Lovely")
        assert note_of(client, draft) == ("published", "Lovely")
        assert api.get(f"{PATH}{draft.id}/").status_code == 200
        submission = CourseSubmission.objects.get()
        assert (submission.decision, submission.decided_by) == ("approved", staff)
        first, second = AuditEntry.objects.order_by("id")
        assert (first.actor_id, first.details) == (
            teacher.id, {"from": "draft", "to": "in_review"},
        )  # fmt: skip
        assert (second.actor_id, second.details) == (
            staff.id, {"from": "in_review", "to": "published", "note": "Lovely"},
        )  # fmt: skip

    def test_an_incomplete_course_isnt_handed_in(self, client, draft):
        client.patch(f"{PATH}{draft.id}/", {"description": ""})
        response = client.post(f"{PATH}{draft.id}/publish/")
        assert error_of(response) == (422, "COURSE_INCOMPLETE")
        assert not CourseSubmission.objects.exists()

    def test_a_rejected_course_is_a_draft_with_a_note(self, client, draft, staff):
        client.post(f"{PATH}{draft.id}/publish/")
        services.reject_course(course_id=draft.id, actor_id=staff.id, note=" Too short ")
        assert note_of(client, draft) == ("draft", "Too short")
        client.post(f"{PATH}{draft.id}/publish/")
        assert note_of(client, draft) == ("in_review", "Too short")
        services.approve_course(course_id=draft.id, actor_id=staff.id)
        assert note_of(client, draft) == ("published", "")
        assert list(CourseSubmission.objects.values_list("decision", flat=True)) == [
            "approved", "rejected",
        ]  # fmt: skip

    def test_it_can_be_taken_back_and_written_on_meanwhile(self, client, draft, staff):
        client.post(f"{PATH}{draft.id}/publish/")
        changed = client.patch(f"{PATH}{draft.id}/", {"description": " "}).json()
        assert (changed["status"], changed["missing"]) == ("in_review", ["description"])
        with pytest.raises(CourseIncomplete):
            services.approve_course(course_id=draft.id, actor_id=staff.id)
        assert client.post(f"{PATH}{draft.id}/unpublish/").json()["status"] == "draft"
        assert CourseSubmission.objects.get().decision == "withdrawn"
        for decide in (services.approve_course, services.reject_course):
            with pytest.raises(NotInReview):
                decide(course_id=draft.id, actor_id=staff.id, note="Late")

    def test_staff_publish_at_once(self, people, draft):
        body = people["staff"].post(f"{PATH}{draft.id}/publish/").json()
        assert body["status"] == "published"

    def test_a_course_on_sale_is_edited_without_review(self, client, course):
        body = client.patch(f"{PATH}{course.id}/", {"price": 1}).json()
        assert (body["status"], body["price"]) == ("published", 1)

    def test_deleting_and_archiving_end_a_review(self, client, draft, staff):
        client.post(f"{PATH}{draft.id}/publish/")
        services.archive_course(course_id=draft.id, actor_id=staff.id)
        assert CourseSubmission.objects.get().decision == "withdrawn"
        assert client.delete(f"{PATH}{draft.id}/").status_code == 204
        assert not CourseSubmission.objects.exists()


@pytest.mark.django_db
def test_a_course_has_one_open_submission_and_decisions_have_a_date(draft):
    CourseSubmission.objects.create(course=draft)
    lost = {"decision": "lost", "decided_at": "2026-01-01T00:00:00Z"}
    for fields in ({}, {"decision": "approved"}, lost):
        with pytest.raises(IntegrityError), transaction.atomic():
            CourseSubmission.objects.create(course=draft, **fields)


@pytest.mark.django_db
class TestAdmin:
    @pytest.fixture
    def admin(self, staff):
        client = Client()
        client.force_login(staff)
        return client

    def act(self, admin, action, *courses, note=""):
        body = {"action": action, "note": note, "_selected_action": [each.id for each in courses]}
        return admin.post("/admin/courses/course/", body, follow=True).content.decode()

    def test_staff_decide_with_a_note(self, admin, client, teacher):
        good, bad, other = (
            make_course(instructor=teacher, status="draft", published_at=None) for _ in range(3)
        )
        for course in (good, bad):
            services.submit_course(course_id=course.id, actor_id=teacher.id)
        page = self.act(admin, "reject", bad)
        assert "needs a note" in page
        assert note_of(client, bad) == ("in_review", "")
        page = self.act(admin, "reject", bad, other, note="More, please")
        assert "1 rejected" in page
        assert "in review (NOT_IN_REVIEW)" in page
        self.act(admin, "approve", good, note="Fine")
        assert note_of(client, bad) == ("draft", "More, please")
        assert note_of(client, good) == ("published", "Fine")
        assert note_of(client, other) == ("draft", "")
        page = admin.get(f"/admin/courses/course/{bad.id}/change/").content.decode()
        assert "More, please" in page

    def test_publishing_there_decides_too(self, admin, client, draft, teacher):
        services.submit_course(course_id=draft.id, actor_id=teacher.id)
        self.act(admin, "publish", draft)
        assert CourseSubmission.objects.get().decision == "approved"


@pytest.mark.django_db(transaction=True)
class TestReadersCaches:
    """Whatever is cached of the catalogue is stale after a write, and not before its commit."""

    def test_every_write_starts_a_new_generation(self, client, course, draft):
        section = sections_of(course)[0]
        lesson = lessons_of(section)[0]
        base = f"{PATH}{course.id}/"
        lessons = f"{base}curriculum/{section.id}/lessons/"
        ids = [str(row.id) for row in sections_of(course)]
        seen: set[str] = set()
        for method, path, body in [
            ("post", PATH, {"title": "New"}),
            ("patch", base, {"price": 1}),
            ("post", f"{base}duplicate/", None),
            ("post", f"{base}curriculum/", {"title": "More"}),
            ("patch", f"{base}curriculum/{section.id}/", {"title": "First"}),
            ("post", lessons, {"title": "More"}),
            ("patch", f"{lessons}{lesson.id}/", {"is_preview": False}),
            ("delete", f"{lessons}{lesson.id}/", None),
            ("delete", f"{base}curriculum/{ids[1]}/", None),
            ("post", f"{base}unpublish/", None),
            ("post", f"{base}publish/", None),
            ("delete", f"{PATH}{draft.id}/", None),
        ]:
            assert getattr(client, method)(path, body).status_code < 300, (method, path)
            generation = cache.get(GENERATION_KEY)
            assert generation not in seen | {None}, (method, path)
            seen.add(generation)

    def test_a_refusal_or_a_rollback_does_not(self, client, course):
        cache.set(GENERATION_KEY, "before", timeout=None)
        assert client.patch(f"{PATH}{course.id}/", {"price": 500}).status_code == 422
        with transaction.atomic():
            services.unpublish_course(course_id=course.id, actor_id=None)
            transaction.set_rollback(True)
        assert cache.get(GENERATION_KEY) == "before"
        assert Course.objects.get(id=course.id).is_published
