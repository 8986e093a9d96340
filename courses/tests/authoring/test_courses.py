"""Creating, changing, removing and copying a course."""

from decimal import Decimal
from functools import partial

import pytest

from core.models import AuditEntry
from courses.authoring_serializers import (
    CourseCreateSerializer,
    CourseUpdateSerializer,
    OwnCourseRowSerializer,
    OwnCourseSerializer,
)
from courses.models import Category, Course, CourseStats, Lesson
from courses.services import recount_categories
from courses.services.authoring import duplicate_course
from courses.tests.authoring.conftest import error_of, lessons_of, sections_of, statements_of
from tests.factories import (
    CartItemFactory,
    CategoryFactory,
    CourseFactory,
    EnrollmentFactory,
    OrderItemFactory,
    make_course,
)
from tests.shapes import assert_shape

pytestmark = pytest.mark.django_db

PATH = "/api/v1/courses/"

BAD_INPUT: list[tuple[str, object, int]] = [
    ("title", "", 422), ("title", "  ", 422), ("title", "x" * 256, 422), ("title", 5, 400),
    ("title", None, 400),
    ("slug", "No Slug", 422), ("slug", "-a", 422), ("slug", "a--b", 422), ("slug", "", 422),
    ("slug", "related", 422), ("slug", "import", 422), ("slug", 5, 400),
    ("slug", "0190a1b2-0000-7000-8000-000000000000", 422), ("slug", "x" * 256, 422),
    ("description", 5, 400), ("description", "x" * 50_001, 422),
    ("short_description", "x" * 501, 422), ("short_description", [], 400),
    ("category", "nowhere", 422), ("category", "", 422), ("category", 3, 400),
    ("category", "0190a1b2-0000-7000-8000-000000000000", 422),
    ("level", "expert", 422), ("level", "", 422), ("level", 5, 400), ("level", None, 400),
    ("language", "", 422), ("language", "x" * 51, 422), ("language", None, 400),
    ("price", -1, 422), ("price", 1.001, 422), ("price", 123456789.00, 422),
    ("price", 1_000_000, 422),
    ("price", "dear", 422), ("price", True, 400), ("price", None, 400), ("price", [], 400),
    ("original_price", -0.01, 422), ("original_price", {}, 400),
    ("outcomes", "Fly", 400), ("outcomes", [""], 422), ("outcomes", [5], 400),
    ("outcomes", ["x" * 501], 422), ("outcomes", ["x"] * 51, 422), ("outcomes", None, 400),
    ("requirements", {"a": 1}, 400), ("requirements", [None], 400),
    ("preview_video_url", "videos.example.test", 422),
    ("preview_video_url", "javascript:alert(1)", 422),
    ("preview_video_url", "ftp://example.test/a.mp4", 422), ("preview_video_url", 5, 400),
    ("preview_video_url", "https://example.test/" + "x" * 500, 422),
]  # fmt: skip


def whole(category):
    return {
        "title": "Kites", "slug": "flying-kites", "description": "All of it.",
        "short_description": "Up!", "category": category.slug, "level": "advanced",
        "language": "German", "price": 20.5, "original_price": 30, "outcomes": ["Fly"],
        "requirements": ["Wind"], "preview_video_url": "https://videos.example.test/kite.mp4",
    }  # fmt: skip


def test_a_title_is_enough(client, teacher):
    response = client.post(PATH, {"title": "  Kites & Wind  "})
    assert response.status_code == 201
    body = response.json()
    assert_shape(body, OwnCourseSerializer())
    assert (body["title"], body["slug"], body["status"]) == ("Kites & Wind", "kites-wind", "draft")
    assert (body["price"], body["is_published"], body["published_at"]) == (None, False, None)
    assert body["missing"] == ["description", "category", "price", "lessons"]
    assert body["instructor"]["id"] == str(teacher.id)
    assert CourseStats.objects.filter(course_id=body["id"]).exists()


@pytest.mark.parametrize("by_id", [False, True])
def test_everything_can_be_said_at_once(client, by_id):
    category = CategoryFactory.create()
    sent = whole(category) | ({"category": str(category.id)} if by_id else {})
    body = client.post(PATH, sent).json()
    assert body["category"] == category.name
    assert (body["category_slug"], body["category_id"]) == (category.slug, str(category.id))
    same = {key: body[key] for key in sent if key != "category"}
    assert same == {key: value for key, value in sent.items() if key != "category"}
    assert body["discount_percent"] == 31
    assert body["missing"] == ["lessons"]


def test_what_isnt_the_authors_to_say_is_left_alone(client, course, teacher):
    sent = {
        "status": "published", "is_featured": True, "student_count": 9, "instructor": "x",
        "published_at": "2020-01-01T00:00:00Z", "is_published": True, "is_priced": True,
    }  # fmt: skip
    created = Course.objects.get(id=client.post(PATH, {"title": "T", **sent}).json()["id"])
    changed = client.patch(f"{PATH}{course.id}/", {"is_featured": True, "status": "archived"})
    assert changed.status_code == 200
    course.refresh_from_db()
    assert (created.status, created.is_featured, created.instructor) == ("draft", False, teacher)
    assert (course.status, course.is_featured) == ("published", False)


@pytest.mark.parametrize(("field", "value", "status"), BAD_INPUT)
def test_bad_input_of_every_field(client, draft, field, value, status):
    for response in (
        client.post(PATH, {"title": "T", field: value}),
        client.patch(f"{PATH}{draft.id}/", {field: value}),
    ):
        assert response.status_code == status, response.json()
        assert field in response.json()["error"]["details"]
    assert Course.objects.count() == 1
    before = draft.last_updated
    draft.refresh_from_db()
    assert draft.last_updated == before


def test_no_field_of_a_course_is_left_out():
    assert {field for field, _, _ in BAD_INPUT} == set(CourseCreateSerializer().fields)
    # `last_updated` is tested with what it is for.
    assert set(CourseUpdateSerializer().fields) - set(CourseCreateSerializer().fields) == {
        "last_updated"
    }


@pytest.mark.parametrize("body", [[], "x", None])
def test_a_body_that_is_no_object(client, draft, body):
    assert client.post(PATH, body, format="json").status_code == 400
    assert client.patch(f"{PATH}{draft.id}/", [], format="json").status_code == 400


def test_a_new_course_needs_a_title(client):
    assert error_of(client.post(PATH, {"price": 5})) == (400, "BAD_REQUEST")


class TestPrices:
    def test_the_original_price_is_not_below_the_price(self, client, draft):
        response = client.post(PATH, {"title": "T", "price": 10, "original_price": 9.99})
        assert error_of(response) == (422, "VALIDATION_ERROR")
        assert set(response.json()["error"]["details"]) == {"original_price"}
        # The price is 49.99 and the original price 99.99.
        assert client.patch(f"{PATH}{draft.id}/", {"price": 100}).status_code == 422
        assert client.patch(f"{PATH}{draft.id}/", {"original_price": 49.98}).status_code == 422
        draft.refresh_from_db()
        assert (draft.price, draft.original_price) == (Decimal("49.99"), Decimal("99.99"))
        assert client.patch(f"{PATH}{draft.id}/", {"original_price": 49.99}).status_code == 200
        both = {"price": 120, "original_price": None}
        body = client.patch(f"{PATH}{draft.id}/", both).json()
        assert (body["price"], body["original_price"], body["discount_percent"]) == (120, None, 0)

    def test_free_is_a_price_and_none_is_none(self, client):
        created = client.post(PATH, {"title": "T"}).json()
        assert created["price"] is None
        path = f"{PATH}{created['id']}/"
        assert client.patch(path, {"language": "German"}).json()["price"] is None
        body = client.patch(path, {"price": 0}).json()
        assert (body["price"], "price" in body["missing"]) == (0, False)

    def test_an_original_price_alone_makes_no_price(self, client):
        body = client.post(PATH, {"title": "T", "original_price": 30}).json()
        assert (body["price"], body["original_price"]) == (None, 30)


class TestSlugs:
    @pytest.mark.parametrize(
        ("title", "slug"),
        [
            ("Kites", "kites"), ("Related", "related-2"), ("Öl auf Leinwand", "ol-auf-leinwand"),
            ("日本語", "course"), ("a_b -- c", "a-b-c"), ("!!!", "course"),
            ("0190a1b2-0000-7000-8000-000000000000", "0190a1b2-0000-7000-8000-000000000000-2"),
        ],
    )  # fmt: skip
    def test_it_is_made_from_the_title(self, client, title, slug):
        assert client.post(PATH, {"title": title}).json()["slug"] == slug

    def test_the_next_free_number_is_taken(self, client):
        CourseFactory.create(slug="kites")
        CourseFactory.create(slug="kites-2")
        CourseFactory.create(slug="kites-4")
        slugs = [client.post(PATH, {"title": "Kites"}).json()["slug"] for _ in range(3)]
        assert slugs == ["kites-3", "kites-5", "kites-6"]

    def test_a_long_title_leaves_room_for_a_number(self, client):
        slugs = [client.post(PATH, {"title": "x" * 255}).json()["slug"] for _ in range(2)]
        assert slugs == ["x" * 230, "x" * 230 + "-2"]

    def test_a_taken_one_is_refused(self, client, draft, course):
        for response in (
            client.post(PATH, {"title": "T", "slug": course.slug}),
            client.patch(f"{PATH}{draft.id}/", {"slug": course.slug, "title": "Changed"}),
        ):
            assert error_of(response) == (409, "SLUG_TAKEN")
        draft.refresh_from_db()
        assert (draft.slug, draft.title, Course.objects.count()) == ("lakes", "Lakes", 2)

    def test_it_may_be_set(self, client, course, api):
        assert client.patch(f"{PATH}rivers/", {"slug": "streams"}).json()["slug"] == "streams"
        assert api.get(f"{PATH}streams/").status_code == 200
        assert api.get(f"{PATH}rivers/").status_code == 404
        assert client.patch(f"{PATH}streams/", {"slug": "streams"}).status_code == 200


class TestChanging:
    def test_only_what_is_sent_changes(self, client, course):
        before = dict(Course.objects.filter(id=course.id).values().get())
        response = client.patch(f"{PATH}{course.id}/", {"title": "Streams"})
        assert_shape(response.json(), OwnCourseSerializer())
        after = dict(Course.objects.filter(id=course.id).values().get())
        changed = {key for key, value in after.items() if value != before[key]}
        assert changed == {"title", "last_updated", "updated_at"}

    def test_the_same_again_is_no_change(self, client, course):
        client.patch(f"{PATH}{course.id}/", {"title": course.title, "price": 49.99})
        before = course.last_updated
        course.refresh_from_db()
        assert course.last_updated == before

    def test_readers_see_it_at_once(self, client, course, api):
        other = CategoryFactory.create()
        recount_categories()
        sent = {"title": "Harpsichords", "price": 5, "category": other.slug, "original_price": None}
        assert client.patch(f"{PATH}{course.id}/", sent).status_code == 200
        (row,) = api.get(PATH, {"search": "harpsichords"}).json()["results"]
        assert (row["title"], row["price"], row["category"]) == ("Harpsichords", 5, other.name)
        assert api.get(PATH, {"search": "rivers"}).json()["count"] == 0
        counts = dict(Category.objects.values_list("slug", "course_count"))
        assert counts == {other.slug: 1, course.category.slug: 0}

    @pytest.mark.parametrize(
        ("sent", "missing"),
        [({"description": " "}, "description"), ({"category": None}, "category")],
    )
    def test_a_course_on_sale_keeps_what_it_needs(self, client, course, draft, sent, missing):
        response = client.patch(f"{PATH}{course.id}/", sent)
        assert error_of(response) == (422, "COURSE_INCOMPLETE")
        assert set(response.json()["error"]["details"]) == {missing}
        assert client.patch(f"{PATH}{draft.id}/", sent).json()["missing"] == [missing]

    def test_two_writers_dont_overwrite_each_other(self, client, course):
        path = f"/api/v1/instructor/courses/{course.id}/"
        read = client.get(path).json()["last_updated"]
        first = client.patch(f"{PATH}{course.id}/", {"title": "First", "last_updated": read})
        assert first.status_code == 200
        second = client.patch(f"{PATH}{course.id}/", {"title": "Second", "last_updated": read})
        assert error_of(second) == (409, "STALE")
        now = first.json()["last_updated"]
        assert second.json()["error"]["details"] == {"last_updated": now}
        assert client.get(path).json()["title"] == "First"
        # A client that keeps milliseconds only is no stranger.
        third = {"title": "Third", "last_updated": f"{now[:23]}Z"}
        assert client.patch(f"{PATH}{course.id}/", third).status_code == 200
        for bad, status in (("soon", 422), ("", 422), (5, 400), (None, 400)):
            response = client.patch(f"{PATH}{course.id}/", {"last_updated": bad})
            assert response.status_code == status
            assert set(response.json()["error"]["details"]) == {"last_updated"}


class TestRemoving:
    def test_a_draft_goes(self, client, draft, course, teacher):
        assert client.delete(f"{PATH}{draft.id}/").status_code == 204
        assert list(Course.objects.all()) == [course]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id) == ("course.deleted", teacher.id)

    def test_a_course_that_only_lies_in_carts_goes(self, client, course):
        CartItemFactory.create(course=course)
        assert client.delete(f"{PATH}{course.id}/").status_code == 204
        assert not Course.objects.exists()

    @pytest.mark.parametrize("factory", [EnrollmentFactory, OrderItemFactory])
    def test_with_buyers_or_orders_it_is_archived(self, client, course, api, factory):
        factory.create(course=course)
        for _ in range(2):
            response = client.delete(f"{PATH}{course.id}/")
            assert (response.status_code, response.json()["status"]) == (200, "archived")
        assert_shape(response.json(), OwnCourseSerializer())
        assert api.get(f"{PATH}{course.id}/").status_code == 404
        assert Lesson.objects.count() == 4
        assert AuditEntry.objects.get().details == {"from": "published", "to": "archived"}


class TestCopying:
    def test_a_copy_is_a_draft_of_its_own(self, client, course):
        section = sections_of(course)[0]
        lesson = lessons_of(section)[1]
        Lesson.objects.filter(id=lesson.id).update(removed_at="2026-01-01T00:00:00Z")
        Course.objects.filter(id=course.id).update(
            thumbnail="course_thumbnails/a.webp", is_featured=True
        )
        EnrollmentFactory.create(course=course)
        CourseStats.objects.filter(course=course).update(student_count=1)
        response = client.post(f"{PATH}{course.id}/duplicate/")
        assert response.status_code == 201
        body = response.json()
        assert (body["title"], body["slug"]) == ("Rivers (copy)", "rivers-copy")
        assert (body["status"], body["published_at"], body["student_count"]) == ("draft", None, 0)
        assert (body["total_sections"], body["total_lessons"]) == (2, 3)
        assert body["duration_hours"] == 0.5
        copy = Course.objects.get(id=body["id"])
        assert (copy.thumbnail.name, copy.is_featured) == ("course_thumbnails/a.webp", False)
        assert (copy.price, copy.category) == (course.price, course.category)

    def test_its_curriculum_is_its_own(self, client, course):
        copy = Course.objects.get(id=client.post(f"{PATH}{course.id}/duplicate/").json()["id"])
        for old, new in zip(sections_of(course), sections_of(copy), strict=True):
            assert (old.id == new.id, old.title, old.order) == (False, new.title, new.order)
            for mine, theirs in zip(lessons_of(old), lessons_of(new), strict=True):
                assert mine.id != theirs.id
                assert (mine.title, mine.resources, mine.order, mine.is_preview) == (
                    theirs.title, theirs.resources, theirs.order, theirs.is_preview,
                )  # fmt: skip
        assert client.post(f"{PATH}{copy.id}/publish/").json()["status"] == "published"

    def test_the_longest_title_can_be_copied_again(self, client, draft):
        Course.objects.filter(id=draft.id).update(title="x" * 255)
        copy = client.post(f"{PATH}{draft.id}/duplicate/").json()
        assert copy["title"] == "x" * 248 + " (copy)"
        assert client.post(f"{PATH}{copy['id']}/duplicate/").status_code == 201

    def test_a_copy_by_staff_is_its_instructors(self, people, draft, teacher):
        body = people["staff"].post(f"{PATH}{draft.id}/duplicate/").json()
        assert body["instructor"]["id"] == str(teacher.id)

    def test_it_costs_the_same_whatever_its_size(self, author, teacher):
        courses = [make_course(instructor=teacher, sections=size, lessons=size) for size in (1, 5)]
        small, large = (
            len(statements_of(partial(duplicate_course, author=author, reference=str(each.id))))
            for each in courses
        )
        assert small == large


class TestOwnList:
    path = "/api/v1/instructor/courses/"

    def test_it_shows_everything_of_ones_own_only(self, client, course, draft):
        CourseFactory.create()
        body = client.get(self.path).json()
        assert (body["count"], body["current_page"], body["total_pages"]) == (2, 1, 1)
        assert [row["slug"] for row in body["results"]] == ["lakes", "rivers"]
        for row in body["results"]:
            assert_shape(row, OwnCourseRowSerializer())
        assert (body["results"][1]["total_sections"], body["results"][1]["total_lessons"]) == (2, 4)
        client.patch(f"{PATH}{course.id}/", {"language": "German"})
        assert [row["slug"] for row in client.get(self.path).json()["results"]] == [
            "rivers", "lakes",
        ]  # fmt: skip

    def test_by_status_and_page(self, client, course, draft):
        for status, slugs in (("draft", ["lakes"]), ("published", ["rivers"]), ("archived", [])):
            rows = client.get(self.path, {"status": status}).json()["results"]
            assert [row["slug"] for row in rows] == slugs
        assert error_of(client.get(self.path, {"status": "sold"})) == (422, "VALIDATION_ERROR")
        assert client.get(self.path, {"page_size": 1, "page": 2}).json()["results"][0]["slug"] == (
            "rivers"
        )
        assert client.get(self.path, {"page": 9}).status_code == 404
        assert client.get(self.path, {"page": 0}).status_code == 422

    @pytest.mark.parametrize("number", [1, 20])
    def test_its_queries(self, client, teacher, django_assert_num_queries, number):
        for _ in range(number):
            make_course(instructor=teacher, sections=1, lessons=1)
        with django_assert_num_queries(3):  # session, count, page
            assert len(client.get(self.path).json()["results"]) == number

    def test_one_course(self, client, draft, django_assert_num_queries):
        with django_assert_num_queries(2):  # session, course
            body = client.get(f"{self.path}{draft.slug}/").json()
        assert_shape(body, OwnCourseSerializer())
        assert body["missing"] == []


def test_a_price_from_before_the_limit_stays(client, teacher):
    """Nobody can pay it; the rest of the course can still be mended."""
    course = CourseFactory.create(
        instructor=teacher, status="draft", price=Decimal(2_000_000), original_price=None
    )
    path = f"{PATH}{course.id}/"
    assert client.patch(path, {"title": "Mended", "price": 2_000_000}).status_code == 200
    assert client.patch(path, {"price": 2_000_001}).status_code == 422
    assert client.patch(path, {"price": 10}).status_code == 200


@pytest.mark.parametrize(("price", "fits"), [(0, True), (0.01, False), (0.49, False), (0.5, True)])
def test_a_price_is_nothing_or_what_can_be_charged(client, teacher, price, fits):
    course = make_course(instructor=teacher)
    answers = [
        client.patch(f"{PATH}{course.id}/", {"price": price}),
        client.post(PATH, {"title": "New", "price": price}),
    ]
    assert [answer.status_code for answer in answers] == ([200, 201] if fits else [422, 422])
    for answer in answers if not fits else []:
        (told,) = answer.json()["error"]["details"]["price"]
        assert told.startswith("Must be 0, or at least 0.50")


def test_a_price_from_before_the_least_stays(client, teacher):
    course = CourseFactory.create(
        instructor=teacher, status="draft", price=Decimal("0.10"), original_price=None
    )
    path = f"{PATH}{course.id}/"
    assert client.patch(path, {"title": "Mended", "price": 0.10}).status_code == 200
    assert client.patch(path, {"price": 0.11}).status_code == 422


def test_a_price_leaves_room_for_the_highest_tax(client, teacher, settings):
    settings.TAX_RULE = "orders.taxes.rate_by_country"
    settings.TAX_RATES = {"DE": Decimal(19), "FR": Decimal(20), "CH": Decimal("8.1")}
    course = make_course(instructor=teacher, original_price=None)
    path = f"{PATH}{course.id}/"
    # With 20 %: 999,999.98, and a cent more 1,000,000.00.
    assert client.patch(path, {"price": 833_333.32}).status_code == 200
    answer = client.patch(path, {"price": 833_333.33})
    assert answer.status_code == 422
    (told,) = answer.json()["error"]["details"]["price"]
    assert told.startswith("Must not be more than 833,333.32: ")


@pytest.mark.parametrize(
    ("price", "words"),
    [("0.10", "Must be 0, or at least 0.50"), (2_000_000, "Must not be more than 999,999.99")],
)
def test_a_draft_from_before_the_bounds_is_not_published(client, teacher, settings, price, words):
    course = make_course(instructor=teacher, status="draft", original_price=None, sections=1,
                         lessons=1, price=Decimal(price))  # fmt: skip
    assert client.get(f"/api/v1/instructor/courses/{course.id}/").json()["missing"] == ["price"]
    for moderated in (False, True):
        settings.COURSE_MODERATION = moderated
        answer = client.post(f"{PATH}{course.id}/publish/")
        assert answer.json()["error"]["code"] == "COURSE_INCOMPLETE"
        (told,) = answer.json()["error"]["details"]["price"]
        assert told.startswith(words)
    course.refresh_from_db()
    assert course.status == "draft"


def test_a_course_on_sale_keeps_the_price_it_has(client, teacher, settings):
    course = make_course(instructor=teacher, sections=1, lessons=1, price=Decimal(10))
    settings.MINIMUM_CHARGE = Decimal(20)
    assert client.patch(f"{PATH}{course.id}/", {"title": "Mended"}).status_code == 200
