"""The floor's statements."""

import functools

# Half up, to one decimal, as the contract rounds what it shows.
_CARD = """
    course.id::text, course.title, course.slug,
    course.instructor_id::text, person.first_name, person.last_name,
    course.thumbnail, round(stats.rating, 1)::float8, stats.rating_count, stats.student_count,
    round(course.duration_minutes / 60.0, 1)::float8, course.level,
    course.price::float8, course.original_price::float8,
    CASE WHEN course.original_price > course.price
        THEN floor((course.original_price - course.price) * 100 / course.original_price)::int
        ELSE 0 END,
    category.name, stats.sales_30_days >= 10,
    coalesce(course.published_at > now() - interval '30 days', false)
"""
_NO_FLAGS = ", false, false, false"
_FLAGS = """,
    EXISTS (SELECT FROM enrollments_enrollment AS enrollment
        WHERE enrollment.user_id = %(viewer)s AND enrollment.course_id = course.id
          AND enrollment.status = 'active'),
    EXISTS (SELECT FROM cart_cartitem AS item JOIN cart_cart AS cart ON cart.id = item.cart_id
        WHERE cart.user_id = %(viewer)s AND item.course_id = course.id),
    EXISTS (SELECT FROM cart_wishlistitem AS wish
        WHERE wish.user_id = %(viewer)s AND wish.course_id = course.id)
"""
ORDERINGS = {
    "popular": "stats.student_count DESC, stats.course_id DESC",
    "newest": "course.published_at DESC, course.id DESC",
    "rating": "stats.rating DESC, stats.rating_count DESC, stats.course_id DESC",
    "price_low": "course.price, course.id",
    "price_high": "course.price DESC, course.id DESC",
}
FILTERS = {
    "category": "course.category_id = (SELECT id FROM courses_category WHERE slug = %(category)s)",
    "level": "course.level = %(level)s",
    "min_price": "course.price >= %(min_price)s",
    "max_price": "course.price <= %(max_price)s",
    "rating_min": "stats.rating >= ceil(%(rating_min)s::numeric * 10) / 10 - 0.05",
}
_LISTED = (
    "courses_coursestats AS stats JOIN courses_course AS course ON course.id = stats.course_id"
)


@functools.cache
def page(ordering: str, conditions: tuple[str, ...], *, with_flags: bool) -> str:
    """Return the statement for one page; its flags are `viewer`'s. The page is found first, among
    what the ordering's index holds, and only its rows are joined."""
    order = ORDERINGS[ordering]
    return f"""
        SELECT {_CARD}{_FLAGS if with_flags else _NO_FLAGS}
        FROM (SELECT course.id FROM {_LISTED} WHERE {_where(conditions)}
              ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s) AS found
        JOIN courses_course AS course ON course.id = found.id
        JOIN courses_coursestats AS stats ON stats.course_id = found.id
        JOIN users_user AS person ON person.id = course.instructor_id
        LEFT JOIN courses_category AS category ON category.id = course.category_id
        ORDER BY {order}
    """


@functools.cache
def count(conditions: tuple[str, ...]) -> str:
    """Return the statement that counts exactly."""
    return f"SELECT count(*) FROM {_LISTED} WHERE {_where(conditions)}"


def _where(conditions: tuple[str, ...]) -> str:
    return " AND ".join(["course.status = 'published'", *(FILTERS[name] for name in conditions)])
