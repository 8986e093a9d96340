"""Authors at the same moment, with real threads and connections."""

import itertools
from collections.abc import Callable
from functools import partial

import pytest

from core.errors import Invalid
from courses import services
from courses.errors import CourseIncomplete, LastLesson
from courses.models import Course, Curriculum, Lesson
from courses.services import authoring
from courses.tests.authoring.conftest import lessons_of, sections_of
from tests.admin_browser import AdminBrowser, read_form
from tests.factories import StaffFactory, make_course
from tests.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def errors_in(answers):
    return [answer for answer in answers if isinstance(answer, Exception)]


def orders_of(model, **filters):
    return list(model.objects.filter(**filters).order_by("order").values_list("order", flat=True))


def test_sections_added_at_once(author, draft):
    add = partial(
        authoring.add_section, author=author, reference="lakes", fields={"title": "C", "order": 1}
    )
    assert not errors_in(at_once(*[add] * 8))
    assert orders_of(Curriculum, course=draft) == list(range(1, 11))


def test_lessons_added_at_once(author, draft):
    section = sections_of(draft)[0]
    add = partial(
        authoring.add_lesson,
        author=author,
        reference="lakes",
        section_id=section.id,
        fields={"title": "C", "duration_minutes": 5},
    )
    assert not errors_in(at_once(*[add] * 8))
    assert orders_of(Lesson, curriculum=section) == list(range(1, 11))
    section.refresh_from_db()
    draft.refresh_from_db()
    assert (section.total_lessons, section.total_duration_minutes) == (10, 60)
    assert draft.duration_minutes == 80


def test_reorders_at_once_end_in_one_of_them(author, teacher):
    course = make_course(instructor=teacher, sections=1, lessons=5)
    section = sections_of(course)[0]
    ids = [lesson.id for lesson in lessons_of(section)]
    wishes = list(itertools.permutations(ids))[:: len(ids) * 3][:8]
    for _ in range(3):
        answers = at_once(
            *[
                partial(
                    authoring.reorder_lessons,
                    author=author, reference=str(course.id), section_id=section.id, order=wish,
                )
                for wish in wishes
            ]
        )  # fmt: skip
        assert not errors_in(answers)
        assert tuple(lesson.id for lesson in lessons_of(section)) in wishes
        assert orders_of(Lesson, curriculum=section) == [1, 2, 3, 4, 5]


def test_a_reorder_beside_additions_and_removals(author, draft):
    """Whoever is first: the reorder either names all there is, or is refused."""
    section = sections_of(draft)[0]
    for _ in range(4):
        ids = [lesson.id for lesson in lessons_of(section)]
        call = partial(authoring.reorder_lessons, author=author, reference="lakes")
        add = partial(authoring.add_lesson, author=author, reference="lakes")
        remove = partial(authoring.remove_lesson, author=author, reference="lakes")
        answers = at_once(
            partial(call, section_id=section.id, order=ids[::-1]),
            partial(add, section_id=section.id, fields={"title": "C"}),
            partial(add, section_id=section.id, fields={"title": "D", "order": 1}),
            partial(remove, section_id=section.id, lesson_id=ids[0]),
        )
        assert all(isinstance(error, Invalid) for error in errors_in(answers)), answers
        rows = orders_of(Lesson, curriculum=section)
        assert rows == list(range(1, len(rows) + 1))


def test_the_same_title_at_once(author):
    create = partial(authoring.create_course, author=author, fields={"title": "Kites"})
    assert not errors_in(at_once(*[create] * 6))
    slugs = list(Course.objects.values_list("slug", flat=True))
    assert len(set(slugs)) == 6
    assert all(slug.startswith("kites") for slug in slugs)


def test_the_last_lessons_removed_at_once(author, course):
    calls = [
        partial(
            authoring.remove_lesson,
            author=author, reference="rivers", section_id=section.id, lesson_id=lesson.id,
        )
        for section in sections_of(course)
        for lesson in lessons_of(section)
    ]  # fmt: skip
    answers = at_once(*calls)
    assert [type(error) for error in errors_in(answers)] == [LastLesson]
    assert Lesson.objects.filter(removed_at=None).count() == 1


def test_publishing_while_the_last_lesson_goes(author, teacher):
    """On sale with a lesson, or a draft without; never on sale without."""
    for _ in range(5):
        course = make_course(
            instructor=teacher, sections=1, lessons=1, status="draft", published_at=None
        )
        section = sections_of(course)[0]
        answers = at_once(
            partial(authoring.publish_own_course, author=author, reference=course.slug),
            partial(
                authoring.remove_lesson,
                author=author, reference=course.slug, section_id=section.id,
                lesson_id=lessons_of(section)[0].id,
            ),
        )  # fmt: skip
        errors = errors_in(answers)
        assert len(errors) == 1
        assert isinstance(errors[0], CourseIncomplete | LastLesson)
        course.refresh_from_db()
        assert course.is_published is bool(lessons_of(section))


def test_contradicting_prices_at_once(author, draft):
    """Each is fine alone; together they aren't, and the second is told so."""
    for _ in range(4):
        Course.objects.filter(id=draft.id).update(price=50, original_price=100)
        edit = partial(authoring.edit_course, author=author, reference="lakes")
        answers = at_once(
            partial(edit, fields={"price": 90}), partial(edit, fields={"original_price": 60})
        )
        assert [type(error) for error in errors_in(answers)] == [Invalid]


def test_all_kinds_of_writes_at_once_dont_deadlock(author, course):
    """The course's lock comes first in all of them."""
    first, second = sections_of(course)
    lesson = lessons_of(first)[0]
    at = {"author": author, "reference": str(course.id)}
    moves: list[Callable[[], object]] = [
        partial(authoring.edit_course, **at, fields={"slug": "streams"}),
        partial(authoring.edit_course, **at, fields={"title": "Streams"}),
        partial(authoring.reorder_sections, **at, order=[second.id, first.id]),
        partial(authoring.add_lesson, **at, section_id=second.id, fields={"title": "C"}),
        partial(authoring.duplicate_course, **at),
        partial(authoring.unpublish_own_course, **at),
        partial(authoring.publish_own_course, **at),
        partial(
            authoring.edit_lesson, **at, section_id=first.id, lesson_id=lesson.id,
            fields={"section_id": second.id},
        ),
        partial(services.settle_edit, course_id=course.id, previous_category_id=None),
        partial(services.recount_categories),
    ]  # fmt: skip
    assert not errors_in(at_once(*moves))
    assert orders_of(Curriculum, course=course) == [1, 2]
    assert orders_of(Lesson, curriculum=second) == [1, 2, 3, 4]


def test_renaming_a_shelf_while_its_courses_come_and_go(author, course):
    """Staff write the category, then its courses; authors the course, then its category."""
    shelf = course.category
    admin = AdminBrowser()
    admin.force_login(StaffFactory.create())
    form = {"slug": shelf.slug, "description": "", "icon": "Book", "position": 0}

    def rename(name):
        answer = admin.post(f"/admin/courses/category/{shelf.id}/change/", {**form, "name": name})
        assert answer.status_code == 302

    move = {"author": author, "reference": "rivers"}
    for round_ in range(6):
        turn = authoring.publish_own_course if round_ % 2 else authoring.unpublish_own_course
        answers = at_once(partial(rename, f"Water {round_}"), partial(turn, **move))
        assert not errors_in(answers), answers


def test_writing_a_section_in_the_admin_while_its_author_writes_it(author, course):
    """The course's lock comes first in the admin, too."""
    section = sections_of(course)[0]
    admin = AdminBrowser()
    admin.force_login(StaffFactory.create())
    path = f"/admin/courses/curriculum/{section.id}/change/"

    def write():
        form = read_form(admin.get(path).content.decode())
        assert admin.post(path, form).status_code in (200, 302)

    at = {"author": author, "reference": str(course.id)}
    for round_ in range(6):
        edit = partial(
            authoring.edit_section, **at, section_id=section.id, fields={"title": f"S{round_}"}
        )
        answers = at_once(write, edit)
        assert not errors_in(answers), answers
