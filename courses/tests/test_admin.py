"""Staff run the catalogue in the admin."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from courses.models import Course, CourseStats, Curriculum, Lesson
from courses.services import recount_categories
from tests.admin_browser import AdminBrowser
from tests.factories import (
    CategoryFactory,
    CourseFactory,
    EnrollmentFactory,
    InstructorFactory,
    ReviewFactory,
    StaffFactory,
    make_course,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    client = AdminBrowser()
    client.force_login(StaffFactory.create())
    return client


def picture():
    buffer = io.BytesIO()
    Image.new("RGB", (640, 360)).save(buffer, "PNG")
    return SimpleUploadedFile("thumb.png", buffer.getvalue(), "image/png")


def sections(total, initial=0, **rows):
    management = {"curriculum-TOTAL_FORMS": total, "curriculum-INITIAL_FORMS": initial,
                  "stats-TOTAL_FORMS": 0, "stats-INITIAL_FORMS": 0,
                  "submissions-TOTAL_FORMS": 0, "submissions-INITIAL_FORMS": 0}  # fmt: skip
    return {**management, **{f"curriculum-{key}": value for key, value in rows.items()}}


def course_form(**fields):
    base = {"title": "Lute", "slug": "lute", "description": "All of it.", "short_description": "",
            "level": "beginner", "language": "English", "price": "10", "original_price": "",
            "outcomes": "[]", "requirements": "[]", "preview_video_url": ""}  # fmt: skip
    return {**base, **fields}


def test_a_course_is_written_from_nothing_to_published(staff, api):
    category, teacher = CategoryFactory.create(), InstructorFactory.create()
    form = course_form(category=category.id, instructor=teacher.id, thumbnail=picture())
    rows = {"0-title": "Start", "0-order": 1, "0-description": ""}
    response = staff.post("/admin/courses/course/add/", {**form, **sections(1, **rows)})
    assert response.status_code == 302, response.context["errors"]
    course = Course.objects.get()
    assert (course.status, CourseStats.objects.filter(course=course).exists()) == ("draft", True)
    section = Curriculum.objects.get()
    lesson = {
        "course": course.id, "title": "Start", "order": 1, "description": "",
        "lessons-TOTAL_FORMS": 1, "lessons-INITIAL_FORMS": 0, "lessons-0-title": "Strings",
        "lessons-0-order": 1, "lessons-0-duration_minutes": 30, "lessons-0-resources": "[]",
    }  # fmt: skip
    response = staff.post(f"/admin/courses/curriculum/{section.id}/change/", lesson)
    assert response.status_code == 302, response.context["errors"]
    course.refresh_from_db()
    assert course.duration_minutes == 30
    act(staff, "publish", course)
    body = api.get("/api/v1/courses/?search=lute").json()
    assert [row["id"] for row in body["results"]] == [str(course.id)]
    assert body["results"][0]["thumbnail"].startswith("http://testserver/media/course_thumbnails/")
    category.refresh_from_db()
    assert category.course_count == 1


def act(staff, action, *courses):
    response = staff.post(
        "/admin/courses/course/",
        {"action": action, "_selected_action": [course.id for course in courses]},
        follow=True,
    )
    assert response.status_code == 200
    return [str(message) for message in response.context["messages"]]


def test_actions_move_courses_and_say_what_they_could_not(staff):
    whole, bare = make_course(status="draft"), CourseFactory.create(status="draft")
    told = act(staff, "publish", whole, bare)
    assert told == [f"{bare.title}: The course can't be published yet (lessons)", "1 published."]
    assert set(Course.objects.values_list("status", flat=True)) == {"published", "draft"}
    assert act(staff, "unpublish", whole) == ["1 unpublished."]
    assert act(staff, "archive", whole) == ["1 archived."]


def test_an_edit_moves_shelf_and_search(staff, api):
    old, new = CategoryFactory.create_batch(2)
    course = CourseFactory.create(category=old)
    recount_categories()
    form = course_form(
        category=new.id, instructor=course.instructor_id, title="Theorbo", slug=course.slug
    )
    response = staff.post(f"/admin/courses/course/{course.id}/change/", {**form, **sections(0)})
    assert response.status_code == 302, response.context["errors"]
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.course_count, new.course_count) == (0, 1)
    assert api.get("/api/v1/courses/?search=theorbo").json()["count"] == 1


@pytest.mark.parametrize("slug", ["related", "featured"])
def test_reserved_slugs_are_refused(staff, slug):
    form = course_form(slug=slug, instructor=InstructorFactory.create().id)
    response = staff.post("/admin/courses/course/add/", {**form, **sections(0)})
    assert response.status_code == 200
    assert not Course.objects.exists()


def test_status_and_counters_are_not_typed_in(staff):
    course = CourseFactory.create(status="draft")
    form = course_form(instructor=course.instructor_id, status="published", student_count=99)
    staff.post(f"/admin/courses/course/{course.id}/change/", {**form, **sections(0)})
    course.refresh_from_db()
    assert (course.title, course.status, course.stats.student_count) == ("Lute", "draft", 0)


def test_a_course_with_learners_is_not_deleted(staff):
    course = EnrollmentFactory.create().course
    for path, body in (
        (f"/admin/courses/course/{course.id}/delete/", {"post": "yes"}),
        ("/admin/courses/course/", {"action": "delete_selected", "post": "yes",
                                    "_selected_action": [course.id]}),
    ):  # fmt: skip
        staff.post(path, body)
        assert Course.objects.filter(id=course.id).exists()
    draft, was_out = make_course(status="draft", published_at=None), make_course(status="draft")
    for unsold, is_gone in ((draft, True), (was_out, False)):
        staff.post(f"/admin/courses/course/{unsold.id}/delete/", {"post": "yes"})
        assert Course.objects.filter(id=unsold.id).exists() is not is_gone


def test_renaming_a_category_reaches_search(staff, api):
    category = CategoryFactory.create()
    CourseFactory.create(category=category)
    body = {"name": "Xylophones", "slug": category.slug, "icon": "Music", "position": 0,
            "description": ""}  # fmt: skip
    response = staff.post(f"/admin/courses/category/{category.id}/change/", body)
    assert response.status_code == 302
    assert api.get("/api/v1/courses/?search=xylophones").json()["count"] == 1


def test_deleting_a_section_shortens_the_course(staff):
    course = make_course(sections=2, lessons=2, status="draft", published_at=None)
    section = Curriculum.objects.get(course=course, order=1)
    staff.post(f"/admin/courses/curriculum/{section.id}/delete/", {"post": "yes"})
    course.refresh_from_db()
    assert (course.duration_minutes, Lesson.objects.count()) == (20, 2)


def test_nothing_is_deleted_from_a_course_that_was_out(staff):
    course = make_course(sections=1, lessons=1, status="draft")
    section = Curriculum.objects.get(course=course)
    lesson = Lesson.objects.get()
    path = f"/admin/courses/curriculum/{section.id}/"
    assert staff.post(f"{path}delete/", {"post": "yes"}).status_code == 403
    form = {
        "title": "Start", "order": 1, "description": "", "lessons-TOTAL_FORMS": 1,
        "lessons-INITIAL_FORMS": 1, "lessons-0-id": lesson.id, "lessons-0-title": "Strings",
        "lessons-0-curriculum": section.id, "lessons-0-order": 1,
        "lessons-0-duration_minutes": 30, "lessons-0-resources": "[]", "lessons-0-DELETE": "on",
    }  # fmt: skip
    assert staff.post(f"{path}change/", form).status_code == 302
    lesson.refresh_from_db()
    assert lesson.title == "Strings"
    taken = {**form, "lessons-0-removed_at_0": "2026-01-01", "lessons-0-removed_at_1": "10:00:00"}
    assert staff.post(f"{path}change/", taken).status_code == 302
    course.refresh_from_db()
    assert (course.duration_minutes, Lesson.objects.count()) == (0, 1)


@pytest.mark.parametrize("number", [1, 10])
def test_pages_open_and_lists_cost_the_same(staff, django_assert_max_num_queries, number):
    courses = [make_course() for _ in range(number)]
    ReviewFactory.create_batch(number)
    for name in ("course", "category", "curriculum"):
        with django_assert_max_num_queries(14):
            assert staff.get(f"/admin/courses/{name}/?q=a").status_code == 200
    with django_assert_max_num_queries(14):
        assert staff.get("/admin/reviews/review/?q=a").status_code == 200
    assert staff.get(f"/admin/courses/course/{courses[0].id}/change/").status_code == 200
