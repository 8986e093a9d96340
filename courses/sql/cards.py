"""The row of a list (plan 4.3), without what belongs to a viewer. Read by `courses.selectors`."""

# Rounded as `courses.rules` and `core.money` round: halves up, discounts down. Ids come as text and
# numbers as floats, as they go out: nothing has to be converted twice.
CARD_COLUMNS = """
    course.id::text, course.title, course.slug,
    course.instructor_id::text, person.first_name, person.last_name,
    course.thumbnail, round(stats.rating, 1)::float8, stats.rating_count, stats.student_count,
    round(course.duration_minutes / 60.0, 1)::float8, course.level,
    course.price::float8, course.original_price::float8,
    CASE WHEN course.original_price > course.price
        THEN floor((course.original_price - course.price) * 100 / course.original_price)::int
        ELSE 0 END,
    category.name, stats.sales_30_days >= %(bestseller_sales)s,
    coalesce(course.published_at > %(new_since)s, false)
"""
CARD_TABLES = """
    courses_coursestats AS stats
    JOIN courses_course AS course ON course.id = stats.course_id
    JOIN users_user AS person ON person.id = course.instructor_id
    LEFT JOIN courses_category AS category ON category.id = course.category_id
"""

# The cards of these published courses, in the order of their ids.
CARDS = f"""
    SELECT {CARD_COLUMNS} FROM {CARD_TABLES}
    WHERE stats.is_listed AND stats.course_id = ANY(%(ids)s::uuid[])
    ORDER BY array_position(%(ids)s::uuid[], stats.course_id)
"""  # noqa: S608
