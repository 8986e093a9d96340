"""Reads of the catalogue. Public data only: what a viewer has with a course is known above."""

from courses.errors import CategoryNotFound
from courses.search.popular import list_popular
from courses.search.shelves import find_categories
from courses.search.suggestions import Suggestion, suggest
from courses.selectors.cards import CourseCard, InstructorName, list_cards, to_cards
from courses.selectors.curriculum import (
    LessonFacts,
    LessonRow,
    SectionRow,
    count_live_lessons,
    get_curriculum,
    get_lesson_facts,
    live_lesson_ids,
)
from courses.selectors.facets import count_facets
from courses.selectors.listing import (
    ORDERINGS,
    CategoryRow,
    find_category_id,
    list_categories,
    list_published,
)
from courses.selectors.lookup import CourseFacts, find_course, reference_filter
from courses.selectors.pages import (
    CardPage,
    CardShown,
    Filters,
    card_parameters,
    count_courses,
    list_page,
    to_shown,
)
from courses.selectors.sale import (
    CourseForSale,
    get_course_for_sale,
    get_courses_for_sale,
    lock_courses_for_sale,
)
from courses.selectors.search import (
    find_courses,
    highlight_courses,
    list_found,
    list_taught_ids,
)

__all__ = [
    "ORDERINGS",
    "CardPage",
    "CardShown",
    "CategoryNotFound",
    "CategoryRow",
    "CourseCard",
    "CourseFacts",
    "CourseForSale",
    "Filters",
    "InstructorName",
    "LessonFacts",
    "LessonRow",
    "SectionRow",
    "Suggestion",
    "card_parameters",
    "count_courses",
    "count_facets",
    "count_live_lessons",
    "find_categories",
    "find_category_id",
    "find_course",
    "find_courses",
    "get_course_for_sale",
    "get_courses_for_sale",
    "get_curriculum",
    "get_lesson_facts",
    "highlight_courses",
    "list_cards",
    "list_categories",
    "list_found",
    "list_page",
    "list_popular",
    "list_published",
    "list_taught_ids",
    "live_lesson_ids",
    "lock_courses_for_sale",
    "reference_filter",
    "suggest",
    "to_cards",
    "to_shown",
]
