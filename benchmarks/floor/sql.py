"""The floor's statements."""

import functools

# Half up, to one decimal, as the contract rounds what it shows.
CARD = """
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
NO_FLAGS = ", false, false, false"
_FLAGS = """,
    EXISTS (SELECT FROM enrollments_enrollment AS enrollment
        WHERE enrollment.user_id = %(viewer)s AND enrollment.course_id = course.id
          AND enrollment.status = 'active'),
    EXISTS (SELECT FROM cart_cartitem AS item JOIN cart_cart AS cart ON cart.id = item.cart_id
        WHERE cart.user_id = %(viewer)s AND item.course_id = course.id),
    EXISTS (SELECT FROM cart_wishlistitem AS wish
        WHERE wish.user_id = %(viewer)s AND wish.course_id = course.id)
"""
# Of what was found to what `CARD` shows.
CARD_JOINS = """
    JOIN courses_coursestats AS stats ON stats.course_id = found.course_id
    JOIN courses_course AS course ON course.id = found.course_id
    JOIN users_user AS person ON person.id = course.instructor_id
    LEFT JOIN courses_category AS category ON category.id = course.category_id
"""
ORDERINGS = {
    "popular": "stats.student_count DESC, stats.course_id DESC",
    "newest": "stats.published_at DESC, stats.course_id DESC",
    "rating": "stats.rating DESC, stats.rating_count DESC, stats.course_id DESC",
    "price_low": "stats.price, stats.course_id",
    "price_high": "stats.price DESC, stats.course_id DESC",
}
FILTERS = {
    "category": "stats.category_id = (SELECT id FROM courses_category WHERE slug = %(category)s)",
    "level": "stats.level = %(level)s",
    "min_price": "stats.price >= %(min_price)s::numeric",
    "max_price": "stats.price <= %(max_price)s::numeric",
    "rating_min": "stats.rating >= ceil(%(rating_min)s::numeric * 10) / 10 - 0.05",
}


@functools.cache
def page(ordering: str, conditions: tuple[str, ...], size: int, *, with_flags: bool) -> str:
    """Return the statement for one page; its flags are `viewer`'s. The page is found first, in the
    index of its ordering alone, and only its rows are read and joined. Its size is put in: a plan
    made for any size expects thousands of rows."""
    order = ORDERINGS[ordering]
    return f"""
        SELECT {CARD}{_FLAGS if with_flags else NO_FLAGS}
        FROM (SELECT stats.course_id FROM courses_coursestats AS stats WHERE {_where(conditions)}
              ORDER BY {order} LIMIT {size} OFFSET %(offset)s) AS found
        {CARD_JOINS}
        ORDER BY {order}
    """


@functools.cache
def count(conditions: tuple[str, ...]) -> str:
    """Return the statement that counts exactly."""
    return f"SELECT count(*) FROM courses_coursestats AS stats WHERE {_where(conditions)}"


def _where(conditions: tuple[str, ...]) -> str:
    return " AND ".join(["stats.is_listed", *(FILTERS[name] for name in conditions)])


_DETAIL = f"""
    SELECT {CARD}{NO_FLAGS},
        course.description, course.short_description, nullif(course.preview_video_url, ''),
        stats.review_count, course.language, course.last_updated, course.published_at,
        course.outcomes::text, course.requirements::text,
        ARRAY[stats.rating_1, stats.rating_2, stats.rating_3, stats.rating_4, stats.rating_5],
        profile.bio, profile.profile_picture,
        teaching.courses, teaching.students, teaching.rating,
        curriculum.lessons, curriculum.sections::text, recent.reviews::text
    FROM courses_course AS course
    JOIN courses_coursestats AS stats ON stats.course_id = course.id
    JOIN users_user AS person ON person.id = course.instructor_id
    JOIN users_userprofile AS profile ON profile.user_id = course.instructor_id
    LEFT JOIN courses_category AS category ON category.id = course.category_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS courses, coalesce(sum(theirs.student_count), 0)::int8 AS students,
            coalesce(round(
                sum(theirs.rating_sum)::numeric / nullif(sum(theirs.rating_count), 0), 1
            ), 0)::float8 AS rating
        FROM courses_course AS taught
        JOIN courses_coursestats AS theirs ON theirs.course_id = taught.id
        WHERE taught.instructor_id = course.instructor_id AND taught.status = 'published'
    ) AS teaching
    CROSS JOIN LATERAL (
        SELECT coalesce(json_agg(shown ORDER BY shown."order", shown.id), '[]') AS sections,
            coalesce(sum(shown.total_lessons), 0)::int AS lessons
        FROM (
            SELECT section.id, section.title, section.description, section."order",
                live.total_lessons, live.total_duration_minutes, live.lessons
            FROM courses_curriculum AS section
            CROSS JOIN LATERAL (
                SELECT count(*) AS total_lessons,
                    coalesce(sum(shown.duration_minutes), 0) AS total_duration_minutes,
                    coalesce(json_agg(shown ORDER BY shown."order", shown.id), '[]') AS lessons
                FROM (
                    SELECT lesson.id, lesson.title, lesson.description, lesson.duration_minutes,
                        lesson."order", lesson.is_preview,
                        CASE WHEN lesson.is_preview THEN nullif(lesson.video_url, '') END
                            AS video_url,
                        CASE WHEN lesson.is_preview THEN lesson.resources END AS resources,
                        false AS completed
                    FROM courses_lesson AS lesson
                    WHERE lesson.curriculum_id = section.id AND lesson.removed_at IS NULL
                ) AS shown
            ) AS live
            WHERE section.course_id = course.id
        ) AS shown
    ) AS curriculum
    CROSS JOIN LATERAL (
        SELECT coalesce(json_agg(json_build_object(
            'id', latest.id, 'author', trim(author.first_name || ' ' || author.last_name),
            'avatar', picture.profile_picture, 'rating', latest.rating,
            'date', latest.created_at, 'comment', latest.comment,
            'helpful_count', latest.helpful_count
        ) ORDER BY latest.created_at DESC, latest.id DESC), '[]') AS reviews
        FROM (
            SELECT * FROM reviews_review AS review WHERE review.course_id = course.id
            ORDER BY review.created_at DESC, review.id DESC LIMIT 5
        ) AS latest
        JOIN users_user AS author ON author.id = latest.user_id
        LEFT JOIN users_userprofile AS picture ON picture.user_id = latest.user_id
    ) AS recent
    WHERE course.status = 'published' AND
"""
DETAIL_BY_ID = f"{_DETAIL} course.id = %(reference)s"
DETAIL_BY_SLUG = f"{_DETAIL} course.slug = %(reference)s"
