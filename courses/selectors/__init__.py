"""Reads of the catalogue. Public data only: what a viewer has with a course is known above."""

from courses.selectors.cards import CourseCard, InstructorName, list_cards
from courses.selectors.curriculum import (
    LessonFacts,
    LessonRow,
    SectionRow,
    count_live_lessons,
    get_curriculum,
    get_lesson_facts,
    live_lesson_ids,
)
from courses.selectors.sale import (
    CourseForSale,
    get_course_for_sale,
    get_courses_for_sale,
    lock_courses_for_sale,
)

__all__ = [
    "CourseCard",
    "CourseForSale",
    "InstructorName",
    "LessonFacts",
    "LessonRow",
    "SectionRow",
    "count_live_lessons",
    "get_course_for_sale",
    "get_courses_for_sale",
    "get_curriculum",
    "get_lesson_facts",
    "list_cards",
    "live_lesson_ids",
    "lock_courses_for_sale",
]
