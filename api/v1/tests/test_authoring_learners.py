"""What learners and readers see while the instructor writes: a live course never breaks."""

from functools import partial

import pytest

from courses.authors import Author
from courses.errors import CourseNotFound
from courses.models import Course, Curriculum, Lesson
from courses.services import authoring
from enrollments.models import Certificate, Enrollment, LessonProgress
from enrollments.services import enroll_free, mark_lesson_complete
from tests.factories import EnrollmentFactory, UserFactory, make_course, sign_in
from tests.parallel import at_once


@pytest.fixture
def course(db):
    """Two sections with two lessons each, on sale."""
    return make_course(title="Rivers")


@pytest.fixture
def author(course):
    return Author(id=course.instructor_id, is_instructor=True)


@pytest.fixture
def enrollment(course):
    return EnrollmentFactory.create(course=course)


@pytest.fixture
def learner(enrollment):
    return sign_in(enrollment.user)


@pytest.fixture
def lessons(course):
    rows = Lesson.objects.filter(curriculum__course=course)
    return list(rows.order_by("curriculum__order", "order"))


def complete(enrollment, *lessons):
    for lesson in lessons:
        mark_lesson_complete(
            user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lesson.id
        )


def remove(author, course, lesson):
    lesson.refresh_from_db()
    authoring.remove_lesson(
        author=author, reference=course.slug, section_id=lesson.curriculum_id, lesson_id=lesson.id
    )


def progress(learner, enrollment):
    """Return percent, completed and all lessons, and whether the course is completed, as every
    page that shows them says."""
    (row,) = learner.get("/api/v1/enrollments/").json()["results"]
    detail = learner.get(f"/api/v1/enrollments/{enrollment.id}/").json()
    page = learner.get(f"/api/v1/courses/{enrollment.course_id}/").json()["progress"]
    numbers = ("progress_percent", "lessons_completed", "total_lessons")
    shown = [tuple(source[name] for name in numbers) for source in (row, detail, page)]
    assert shown[0] == shown[1] == shown[2]
    assert 0 <= shown[0][0] <= 100
    return (*shown[0], row["is_completed"])


def titles(client, course):
    page = client.get(f"/api/v1/courses/{course.id}/").json()
    return [lesson["title"] for part in page["curriculum"] for lesson in part["lessons"]]


@pytest.mark.django_db
class TestLearners:
    def test_a_removed_lesson_leaves_the_totals_and_keeps_what_was_done(
        self, author, course, enrollment, learner, lessons
    ):
        complete(enrollment, lessons[0], lessons[1])
        assert progress(learner, enrollment) == (50, 2, 4, False)
        remove(author, course, lessons[1])
        assert progress(learner, enrollment) == (33, 1, 3, False)
        assert LessonProgress.objects.filter(lesson=lessons[1], is_completed=True).exists()
        assert learner.get(f"/api/v1/lessons/{lessons[1].id}/").status_code == 404
        assert lessons[1].title not in titles(learner, course)
        for lesson in lessons:
            if lesson != lessons[1]:
                assert learner.get(f"/api/v1/lessons/{lesson.id}/").status_code == 200

    def test_completion_is_sticky_and_no_percent_exceeds_100(
        self, author, course, enrollment, learner, lessons
    ):
        complete(enrollment, *lessons)
        assert progress(learner, enrollment) == (100, 4, 4, True)
        remove(author, course, lessons[0])
        assert progress(learner, enrollment) == (100, 3, 3, True)
        authoring.add_lesson(
            author=author,
            reference=course.slug,
            section_id=lessons[3].curriculum_id,
            fields={"title": "New"},
        )
        assert progress(learner, enrollment) == (75, 3, 4, True)
        assert Certificate.objects.count() == 1

    def test_when_the_missing_lesson_goes_the_next_step_completes(
        self, author, course, enrollment, learner, lessons
    ):
        complete(enrollment, *lessons[:3])
        remove(author, course, lessons[3])
        assert progress(learner, enrollment) == (100, 3, 3, False)
        complete(enrollment, lessons[0])
        assert progress(learner, enrollment) == (100, 3, 3, True)

    def test_orders_edits_and_moves_leave_progress_alone(
        self, author, course, enrollment, learner, lessons
    ):
        complete(enrollment, lessons[0], lessons[3])
        at = {"author": author, "reference": course.slug}
        first, second = lessons[0].curriculum_id, lessons[3].curriculum_id
        authoring.reorder_sections(**at, order=[second, first])
        authoring.reorder_lessons(**at, section_id=first, order=[lessons[1].id, lessons[0].id])
        authoring.edit_lesson(
            **at,
            section_id=first,
            lesson_id=lessons[0].id,
            fields={"title": "Springs", "section_id": second, "order": 1},
        )
        assert progress(learner, enrollment) == (50, 2, 4, False)
        page = learner.get(f"/api/v1/courses/{course.id}/").json()
        done = [
            lesson["id"]
            for part in page["curriculum"]
            for lesson in part["lessons"]
            if lesson["completed"]
        ]
        assert done == [str(lessons[0].id), str(lessons[3].id)]
        assert titles(learner, course)[0] == "Springs"

    def test_a_removed_section_leaves_its_lessons_behind_as_removed(
        self, author, course, enrollment, learner, lessons
    ):
        complete(enrollment, *lessons)
        first = lessons[0].curriculum_id
        authoring.remove_section(author=author, reference=course.slug, section_id=first)
        assert progress(learner, enrollment) == (100, 2, 2, True)
        assert LessonProgress.objects.filter(is_completed=True).count() == 4
        assert Curriculum.objects.filter(course=course).values_list("order", flat=True)[0] == 1
        assert Lesson.objects.filter(curriculum__course=course).count() == 4
        orders = Lesson.objects.filter(removed_at=None).values_list("order", flat=True)
        assert sorted(orders) == [1, 2]
        course.refresh_from_db()
        assert course.duration_minutes == 20

    def test_a_course_on_sale_keeps_a_lesson_and_a_section(
        self, course, enrollment, learner, lessons
    ):
        client = sign_in(course.instructor)
        base = f"/api/v1/courses/{course.id}/curriculum/"
        first, second = lessons[0].curriculum_id, lessons[3].curriculum_id
        assert client.delete(f"{base}{first}/").status_code == 204
        refusal = client.delete(f"{base}{second}/")
        assert refusal.json()["error"]["code"] == "LAST_LESSON"
        assert client.delete(f"{base}{second}/lessons/{lessons[2].id}/").status_code == 204
        refusal = client.delete(f"{base}{second}/lessons/{lessons[3].id}/")
        assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "LAST_LESSON")
        client.post(f"/api/v1/courses/{course.id}/unpublish/")
        refusal = client.delete(f"{base}{second}/")
        assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "LAST_SECTION")
        assert client.delete(f"{base}{second}/lessons/{lessons[3].id}/").status_code == 204
        assert progress(learner, enrollment) == (0, 0, 0, False)

    def test_who_was_let_into_a_draft_keeps_their_progress_too(self, author, course, lessons):
        Course.objects.filter(id=course.id).update(status="draft", published_at=None)
        enrollment = EnrollmentFactory.create(course=course)
        course.stats.student_count = 1
        course.stats.save()
        complete(enrollment, lessons[0])
        remove(author, course, lessons[0])
        assert LessonProgress.objects.count() == 1

    @pytest.mark.parametrize("way", ["unpublish", "archive"])
    def test_a_course_off_sale_stays_its_learners(self, api, enrollment, learner, lessons, way):
        client = sign_in(enrollment.course.instructor)
        path = f"/api/v1/courses/{enrollment.course_id}/"
        answer = client.delete(path) if way == "archive" else client.post(f"{path}unpublish/")
        assert answer.status_code == 200
        assert api.get(path).status_code == 404
        assert learner.get(path).status_code == 200
        assert learner.get(f"/api/v1/lessons/{lessons[3].id}/").status_code == 200
        complete(enrollment, *lessons)
        assert progress(learner, enrollment) == (100, 4, 4, True)


@pytest.mark.django_db
class TestReaders:
    def test_hidden_media_stay_hidden_whatever_is_edited(self, api, course, lessons):
        client = sign_in(course.instructor)
        path = f"/api/v1/courses/{course.id}/curriculum/{lessons[3].curriculum_id}/lessons/"
        address = "https://videos.example.test/secret.mp4"
        client.patch(f"{path}{lessons[3].id}/", {"video_url": address, "title": "Estuaries"})
        page = api.get(f"/api/v1/courses/{course.id}/")
        assert "Estuaries" in page.content.decode()
        assert address not in page.content.decode()
        client.patch(f"{path}{lessons[3].id}/", {"is_preview": True})
        assert address in api.get(f"/api/v1/courses/{course.id}/").content.decode()

    def test_totals_follow(self, api, author, course, lessons):
        remove(author, course, lessons[0])
        authoring.edit_lesson(
            author=author,
            reference=course.slug,
            section_id=lessons[1].curriculum_id,
            lesson_id=lessons[1].id,
            fields={"duration_minutes": 100},
        )
        page = api.get(f"/api/v1/courses/{course.id}/").json()
        assert page["duration_hours"] == 2
        assert [
            (part["total_lessons"], part["total_duration_minutes"]) for part in page["curriculum"]
        ] == [(1, 100), (2, 20)]
        (row,) = api.get("/api/v1/courses/").json()["results"]
        assert row["duration_hours"] == 2


@pytest.mark.django_db(transaction=True)
def test_deleting_while_somebody_enrols(course, author):
    """Either the learner has the archived course, or there is none to enrol in."""
    learners = [UserFactory.create() for _ in range(4)]
    for learner in learners:
        course = make_course(price=0, original_price=None, instructor=course.instructor)
        answers = at_once(
            partial(authoring.remove_course, author=author, reference=str(course.id)),
            partial(enroll_free, user_id=learner.id, course_id=course.id),
        )
        if isinstance(answers[1], Enrollment):
            assert answers[0] == course.id
            assert Course.objects.get(id=course.id).status in {"archived"}
        else:
            assert isinstance(answers[1], CourseNotFound), answers
            assert answers[0] is None
            assert not Course.objects.filter(id=course.id).exists()
