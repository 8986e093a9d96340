"""The page of one course: its shape, whom it shows what, and what it costs."""

import datetime as dt
import random
from decimal import Decimal

import orjson
import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from api.renderers import encode
from api.v1.catalogue.detail import get_course_page
from api.v1.catalogue.serializers import (
    CourseDetailSerializer,
    CourseLessonPageSerializer,
    RelatedCourseListSerializer,
)
from api.v1.tests.plain_page import get_plain_page
from cart.models import WishlistItem
from courses.errors import CourseNotFound
from courses.models import Course, CourseStats, Lesson
from enrollments.models import LessonProgress
from orders.models import Order
from reviews.models import Review
from tests.factories import (
    CartItemFactory,
    CourseFactory,
    EnrollmentFactory,
    InstructorFactory,
    OrderFactory,
    OrderItemFactory,
    ReviewFactory,
    SectionFactory,
    StaffFactory,
    UserFactory,
    make_course,
    sign_in,
)
from tests.shapes import assert_shape

pytestmark = pytest.mark.django_db

SIZED = f"course_thumbnails/sized/{'a1' * 16}-{'b2' * 6}-1280.webp"


def page(client, course):
    response = client.get(f"/api/v1/courses/{course.id}/")
    assert response.status_code == 200, response.content
    return response.json()


def lessons(body):
    return [lesson for section in body["curriculum"] for lesson in section["lessons"]]


def test_the_page_is_what_the_plan_shows(api):
    teacher = InstructorFactory.create()
    profile = teacher.profile
    profile.bio, profile.profile_picture = "10+ years", "profiles/a.webp"
    profile.save()
    course = make_course(
        sections=1, lessons=2, instructor=teacher, preview_video_url="https://videos.example.test/p",
    )  # fmt: skip
    other = CourseFactory.create(instructor=teacher)
    CourseFactory.create(instructor=teacher, status="draft")
    CourseStats.objects.filter(course=course).update(
        student_count=5, rating_count=3, rating_sum=14, rating_5=2, rating_4=1, review_count=2
    )
    CourseStats.objects.filter(course=other).update(
        student_count=2, rating_count=1, rating_sum=1, rating_1=1
    )
    review = ReviewFactory.create(course=course, rating=4, comment="Solid")
    Review.objects.filter(id=review.id).update(created_at=timezone.now() - dt.timedelta(days=2))
    body = page(api, course)
    assert_shape(body, CourseDetailSerializer())
    course.refresh_from_db()
    assert body["instructor"] == {
        "id": str(teacher.id),
        "first_name": teacher.first_name,
        "last_name": teacher.last_name,
        "profile": {
            "bio": "10+ years",
            "profile_picture": "http://testserver/media/profiles/a.webp",
            "courses_count": 2,
            "students_count": 7,
            "rating": 3.8,
        },
    }
    assert body["reviews"] == {
        "count": 3,
        "rating": 4.7,
        "distribution": {"5": 2, "4": 1, "3": 0, "2": 0, "1": 0},
        "recent": [
            {
                "id": str(review.id),
                "author": review.user.full_name,
                "avatar": None,
                "rating": 4,
                "date": "2 days ago",
                "comment": "Solid",
                "helpful_count": 0,
            }
        ],
    }
    assert list(body["reviews"]["distribution"]) == ["5", "4", "3", "2", "1"]
    section = body["curriculum"][0]
    assert (section["order"], section["total_lessons"], section["total_duration_minutes"]) == (
        1, 2, 20,
    )  # fmt: skip
    assert body["outcomes"] == ["Know something"]
    assert body["requirements"] == ["Curiosity"]
    assert body["preview_video_url"] == "https://videos.example.test/p"
    assert (body["review_count"], body["language"], body["is_published"]) == (2, "English", True)
    assert (body["enrolled"], body["progress"], body["in_cart"], body["in_wishlist"]) == (
        False, None, False, False,
    )  # fmt: skip


def test_a_bare_page_is_still_whole(api):
    course = CourseFactory.create(
        category=None, stats=None, outcomes=[], requirements=[], instructor__profile=None
    )
    body = page(api, course)
    assert_shape(body, CourseDetailSerializer())
    assert (body["category"], body["curriculum"], body["preview_video_url"]) == (None, [], None)
    assert body["instructor"]["profile"] == {
        "bio": "", "profile_picture": None, "courses_count": 1, "students_count": 0, "rating": 0,
    }  # fmt: skip
    assert body["reviews"]["recent"] == []


@pytest.mark.parametrize("size", [1, 10])
def test_a_page_costs_the_same_whatever_its_size(api, django_assert_num_queries, size):
    course = make_course(sections=size, lessons=size)
    ReviewFactory.create_batch(size, course=course)
    with django_assert_num_queries(1):
        page(api, course)
    enrollment = EnrollmentFactory.create(course=course)
    for lesson in Lesson.objects.filter(curriculum__course=course):
        LessonProgress.objects.create(
            enrollment=enrollment, lesson=lesson, is_completed=True, completed_at=timezone.now()
        )
    client = sign_in(enrollment.user)
    # Signing in, what the learner has with it, and the page.
    with django_assert_num_queries(3):
        page(client, course)


def test_media_is_shown_to_those_who_may_learn(api):
    course = make_course()
    learner = EnrollmentFactory.create(course=course).user
    for person in (learner, course.instructor, StaffFactory.create()):
        for lesson in lessons(page(sign_in(person), course)):
            assert lesson["video_url"] == "https://videos.example.test/lesson.mp4"
            assert lesson["resources"][0]["title"] == "Slides"


def test_media_leaks_to_nobody_else(api):
    course = make_course()
    outsiders = [
        UserFactory.create(),
        EnrollmentFactory.create(course=course, status="suspended").user,
        EnrollmentFactory.create(course=course, status="revoked").user,
        EnrollmentFactory.create().user,
        CourseFactory.create().instructor,
        CartItemFactory.create(course=course).cart.user,
    ]
    for client in (api, *map(sign_in, outsiders)):
        body = page(client, course)
        assert_shape(body, CourseDetailSerializer())
        first, *rest = lessons(body)
        assert first["is_preview"]
        assert first["video_url"]
        assert first["resources"]
        assert len(rest) == 3
        for lesson in rest:
            assert (lesson["video_url"], lesson["resources"]) == (None, None)
        assert (body["enrolled"], body["progress"]) == (False, None)


def test_progress_is_the_viewers(api):
    course = make_course(sections=1, lessons=3)
    enrollment = EnrollmentFactory.create(course=course)
    done = Lesson.objects.get(curriculum__course=course, order=2)
    LessonProgress.objects.create(
        enrollment=enrollment, lesson=done, is_completed=True, completed_at=timezone.now()
    )
    WishlistItem.objects.create(user=enrollment.user, course=course)
    body = page(sign_in(enrollment.user), course)
    assert_shape(body, CourseDetailSerializer())
    assert [lesson["completed"] for lesson in lessons(body)] == [False, True, False]
    assert body["progress"] == {
        "enrollment_id": str(enrollment.id),
        "progress_percent": 33,
        "lessons_completed": 1,
        "total_lessons": 3,
    }
    assert (body["enrolled"], body["in_wishlist"], body["in_cart"]) == (True, True, False)
    stranger = page(sign_in(UserFactory.create()), course)
    assert not any(lesson["completed"] for lesson in lessons(stranger))


def test_who_can_buy_it_and_why_not(api):
    course = make_course()
    learner, banned, buyer, author = (UserFactory.create() for _ in range(4))
    EnrollmentFactory.create(user=learner, course=course)
    EnrollmentFactory.create(user=banned, course=course, status="suspended")
    line = CartItemFactory.create(cart__user=buyer, course=course)
    order = OrderFactory.create(user=buyer)
    OrderItemFactory.create(order=order, course=course)

    def viewer(client):
        body = page(client, course)
        assert body["viewer"]["can_buy"] is (body["viewer"]["reason"] is None)
        return body["viewer"]["reason"], body["in_cart"]

    assert viewer(api) == viewer(sign_in(author)) == (None, False)
    assert viewer(sign_in(learner)) == viewer(sign_in(banned)) == ("already_enrolled", False)
    assert viewer(sign_in(course.instructor)) == ("own_course", False)
    assert viewer(sign_in(buyer)) == (None, True)
    Order.objects.update(payment_in_progress_since=timezone.now())
    assert viewer(sign_in(buyer)) == ("payment_in_progress", False)
    OrderItemFactory.create(order=order, course=make_course())
    assert page(sign_in(buyer), course)["viewer"]["reason"] == "payment_in_progress"
    Order.objects.update(status="failed")
    assert viewer(sign_in(buyer)) == (None, True)
    line.delete()
    EnrollmentFactory.create(user=author, course=course, status="revoked")
    assert viewer(sign_in(author)) == (None, False)
    Course.objects.update(price=0, original_price=None)
    assert viewer(sign_in(author)) == ("access_withdrawn", False)
    assert viewer(sign_in(buyer)) == (None, False)
    Course.objects.update(status="archived")
    assert viewer(sign_in(course.instructor)) == ("not_for_sale", False)


def test_removed_lessons_are_not_shown(api):
    course = make_course(sections=1, lessons=2)
    Lesson.objects.filter(curriculum__course=course, order=2).update(removed_at=timezone.now())
    (section,) = page(api, course)["curriculum"]
    assert [lesson["order"] for lesson in section["lessons"]] == [1]
    assert (section["total_lessons"], section["total_duration_minutes"]) == (1, 10)


def test_only_the_latest_reviews_are_on_the_page(api):
    course = CourseFactory.create()
    reviews = ReviewFactory.create_batch(7, course=course)
    recent = page(api, course)["reviews"]["recent"]
    assert [row["id"] for row in recent] == [str(row.id) for row in reviews[:1:-1]]
    assert recent[0]["date"] == "just now"


def test_a_slug_that_looks_like_an_id_is_no_trap(api):
    course = CourseFactory.create()
    by_slug = api.get(f"/api/v1/courses/{course.slug}/").json()
    assert by_slug["id"] == str(course.id) == page(api, course)["id"]


def test_list_rows_have_the_declared_shape(api):
    course = make_course()
    CourseFactory.create(category=course.category, original_price=None)
    body = api.get(f"/api/v1/courses/related/{course.id}/").json()
    assert body["results"]
    assert_shape(body, RelatedCourseListSerializer())


def test_the_thumbnail_has_its_sizes(api, django_assert_num_queries):
    course = CourseFactory.create(thumbnail=SIZED)
    with django_assert_num_queries(1):
        body = page(api, course)
    assert body["thumbnail"] == body["thumbnails"]["1280"]
    stem = f"http://testserver/media/{SIZED.removesuffix('-1280.webp')}"
    assert body["thumbnails"] == {width: f"{stem}-{width}.webp" for width in ("320", "640", "1280")}
    for name in ("", "course_thumbnails/a.webp"):
        assert page(api, CourseFactory.create(thumbnail=name))["thumbnails"] == {}


@pytest.mark.parametrize("seed", range(3))
def test_the_statement_answers_what_the_orm_does(api, seed):
    dice = random.Random(seed)
    teacher = InstructorFactory.create()
    learner, other = UserFactory.create_batch(2)
    for number in range(6):
        fields = {
            "status": dice.choice(["published", "published", "draft", "archived"]),
            "instructor": teacher,
            "thumbnail": dice.choice(["", "course_thumbnails/a.webp", "a b/é.webp", SIZED]),
            "price": dice.choice([0, 10, Decimal("19.99")]),
            "original_price": dice.choice([None, Decimal("29.99")]),
        }
        if dice.random() < 0.2:
            fields["category"] = None
        course = make_course(sections=dice.randrange(1, 4), lessons=dice.randrange(0, 4), **fields)
        stars = [dice.randrange(4) for _ in range(5)]
        CourseStats.objects.filter(course=course).update(
            **{f"rating_{star}": count for star, count in enumerate(stars, start=1)},
            rating_count=sum(stars),
            rating_sum=sum(star * count for star, count in enumerate(stars, start=1)),
            student_count=dice.randrange(100),
            sales_30_days=dice.randrange(20),
        )
        Course.objects.filter(id=course.id).update(duration_minutes=dice.randrange(2000))
        lessons = list(Lesson.objects.filter(curriculum__course=course))
        for lesson in dice.sample(lessons, len(lessons) // 3):
            Lesson.objects.filter(id=lesson.id).update(
                removed_at=timezone.now(), title='Quotes " and \\ and é\n', video_url=""
            )
        ReviewFactory.create_batch(dice.randrange(7), course=course)
        enrollment = EnrollmentFactory.create(
            course=course, user=learner, status=dice.choice(["active", "suspended", "revoked"])
        )
        for lesson in dice.sample(lessons, len(lessons) // 2):
            LessonProgress.objects.create(
                enrollment=enrollment, lesson=lesson, is_completed=True,
                completed_at=timezone.now(),
            )  # fmt: skip
        if number % 2:
            CartItemFactory.create(course=course, cart__user=UserFactory.create())
            WishlistItem.objects.create(user=other, course=course)
        for viewer in (AnonymousUser(), learner, other, teacher, StaffFactory.create()):
            for reference in (str(course.id), course.slug):
                assert answer_of(get_course_page, reference, viewer) == answer_of(
                    get_plain_page, reference, viewer
                )


def long_course(lessons=130, **fields):
    """A course of so many lessons of about 1,000 bytes, in sections of 50."""
    course = make_course(sections=0, lessons=0, **fields)
    for place in range(0, lessons, 50):
        section = SectionFactory.create(
            course=course, order=place // 50 + 1, description="s" * 1_200
        )
        Lesson.objects.bulk_create(
            Lesson(
                curriculum=section, order=number + 1, title=f"Lesson {place + number}",
                description="d" * 800, is_preview=number == 0, duration_minutes=1,
                video_url=f"https://videos.example.test/{place + number}.mp4",
            )
            for number in range(min(50, lessons - place))
        )  # fmt: skip
    return course


@pytest.mark.parametrize(("budget", "shown"), [(120_000, 100), (70_000, 50), (15_000, 10), (9, 1)])
def test_a_long_curriculum_is_shown_by_its_beginning(api, settings, budget, shown):
    settings.COURSE_PAGE_BYTES = budget
    course = long_course()
    body = page(api, course)
    assert_shape(body, CourseDetailSerializer())
    assert [lesson["title"] for lesson in lessons(body)] == [
        f"Lesson {number}" for number in range(shown)
    ]
    assert [section["total_lessons"] for section in body["curriculum"]] == [50, 50, 30]
    assert [section["total_duration_minutes"] for section in body["curriculum"]] == [50, 50, 30]
    assert body["curriculum"][2]["description"] == "s" * 1_000
    assert body["lessons_count"] == 130
    assert len(orjson.dumps(body["curriculum"])) < budget + 10_000
    assert body["curriculum_next"].endswith(f"/{course.id}/lessons/?page=2&page_size={shown}")


def test_the_rest_follows_by_pages(api, settings):
    course = long_course()
    whole = page(api, course)
    assert whole["curriculum_next"] is None
    settings.COURSE_PAGE_BYTES = 50_000
    body = page(api, course)
    found = [
        {**lesson, "section_id": section["id"]}
        for section in body["curriculum"]
        for lesson in section["lessons"]
    ]
    address = body["curriculum_next"]
    while address:
        rest = api.get(address).json()
        assert_shape(rest, CourseLessonPageSerializer())
        assert (rest["count"], rest["previous"] is None) == (130, False)
        found += rest["results"]
        address = rest["next"]
    assert found == [
        {**lesson, "section_id": section["id"]}
        for section in whole["curriculum"]
        for lesson in section["lessons"]
    ]


def test_its_media_and_what_is_done_are_the_viewers(api, settings):
    settings.COURSE_PAGE_BYTES = 50_000
    course = long_course()
    learner = UserFactory.create()
    enrollment = EnrollmentFactory.create(course=course, user=learner)
    done = Lesson.objects.get(title="Lesson 3")
    LessonProgress.objects.create(
        enrollment=enrollment, lesson=done, is_completed=True, completed_at=timezone.now()
    )
    first = f"/api/v1/courses/{course.slug}/lessons/?page_size=5"
    mine = [
        lessons(page(sign_in(learner), course))[:5],
        sign_in(learner).get(first).json()["results"],
    ]
    for shown in mine:
        assert [lesson["completed"] for lesson in shown] == [False, False, False, True, False]
        assert all(lesson["video_url"] for lesson in shown)
    for shown in (lessons(page(api, course))[:5], api.get(first).json()["results"]):
        assert [bool(lesson["video_url"]) for lesson in shown] == [True] + [False] * 4
        assert not any(lesson["completed"] for lesson in shown)


@pytest.mark.parametrize("query", ["page=99", "page=0", "page=x", "page_size=0", "page_size=x"])
def test_pages_of_lessons_that_are_refused(api, query):
    course = make_course()
    status = 404 if query == "page=99" else 422
    assert api.get(f"/api/v1/courses/{course.id}/lessons/?{query}").status_code == status


def test_lessons_of_a_draft_are_its_own_peoples(api):
    course = make_course(status="draft", published_at=None)
    path = f"/api/v1/courses/{course.id}/lessons/"
    assert api.get(path).json()["error"]["code"] == "COURSE_NOT_FOUND"
    assert sign_in(UserFactory.create()).get(path).status_code == 404
    for person in (course.instructor, StaffFactory.create()):
        assert sign_in(person).get(path).json()["count"] == 4
    assert api.get("/api/v1/courses/nowhere/lessons/").status_code == 404


def test_a_long_curriculum_costs_the_same_however_long(api, settings, django_assert_num_queries):
    settings.COURSE_PAGE_BYTES = 30_000
    for course in (long_course(40), long_course(300)):
        with django_assert_num_queries(3):
            page(api, course)
        with django_assert_num_queries(3):
            assert api.get(f"/api/v1/courses/{course.id}/lessons/?page=2").status_code == 200


def answer_of(read, reference, viewer):
    try:
        return orjson.loads(encode(read(reference=reference, viewer=viewer)))
    except CourseNotFound:
        return None
