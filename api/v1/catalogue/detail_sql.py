"""The two statements behind the page of one course: the page, and what the viewer has with it."""

from courses.sql.detail import DETAIL_COLUMNS, DETAIL_TABLES

_PAGE = f"""
    SELECT {DETAIL_COLUMNS}, recent.reviews::text
    FROM {DETAIL_TABLES}
    CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object(
            'id', latest.id, 'author', btrim(author.first_name || ' ' || author.last_name),
            'avatar', picture.profile_picture, 'rating', latest.rating,
            'date', extract(epoch FROM latest.created_at), 'comment', latest.comment,
            'helpful_count', latest.helpful_count
        ) ORDER BY latest.created_at DESC, latest.id DESC) AS reviews
        FROM (
            SELECT * FROM reviews_review AS review WHERE review.course_id = course.id
            ORDER BY review.created_at DESC, review.id DESC LIMIT %(reviews)s
        ) AS latest
        JOIN users_user AS author ON author.id = latest.user_id
        LEFT JOIN users_userprofile AS picture ON picture.user_id = latest.user_id
    ) AS recent
    WHERE course."""  # noqa: S608
# In one line: psycopg reads a statement of over 4,096 characters anew each time.
_PAGE = " ".join(_PAGE.split())
PAGE = {"id": f"{_PAGE}id = %(id)s", "slug": f"{_PAGE}slug = %(slug)s"}

_VIEWER = """
    SELECT course.id::text, course.is_published, course.instructor_id,
        enrollment.id::text, enrollment.status,
        (SELECT count(*) FROM courses_lesson AS lesson
         JOIN courses_curriculum AS section ON section.id = lesson.curriculum_id
         WHERE section.course_id = course.id AND lesson.removed_at IS NULL),
        ARRAY(SELECT progress.lesson_id::text FROM enrollments_lessonprogress AS progress
              JOIN courses_lesson AS lesson ON lesson.id = progress.lesson_id
              WHERE progress.enrollment_id = enrollment.id AND progress.is_completed
                AND lesson.removed_at IS NULL),
        EXISTS (SELECT FROM cart_cartitem AS item JOIN cart_cart AS cart ON cart.id = item.cart_id
                WHERE cart.user_id = %(user)s AND item.course_id = course.id),
        EXISTS (SELECT FROM cart_wishlistitem AS wish
                WHERE wish.user_id = %(user)s AND wish.course_id = course.id),
        EXISTS (SELECT FROM orders_order AS buying
                JOIN orders_orderitem AS line ON line.order_id = buying.id
                WHERE buying.user_id = %(user)s AND buying.status = 'pending'
                  AND buying.payment_in_progress_since IS NOT NULL AND line.course_id = course.id),
        course.price = 0 AND EXISTS (
            SELECT FROM enrollments_enrollment AS taken
            JOIN enrollments_accesshold AS hold ON hold.enrollment_id = taken.id
            WHERE taken.user_id = %(user)s AND taken.course_id = course.id
              AND taken.status = 'revoked' AND hold.cause = 'staff' AND hold.ended_at IS NULL)
    FROM courses_course AS course
    LEFT JOIN enrollments_enrollment AS enrollment
        ON enrollment.course_id = course.id AND enrollment.user_id = %(user)s
        AND enrollment.status <> 'revoked'
    WHERE course."""
VIEWER = {"id": f"{_VIEWER}id = %(id)s", "slug": f"{_VIEWER}slug = %(slug)s"}
