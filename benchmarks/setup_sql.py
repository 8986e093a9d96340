"""Statements that complete the generated data and read from it what the streams ask for."""

COUNT_COURSES = "SELECT count(*) FROM courses_course WHERE status = 'published'"
CATEGORIES = "SELECT slug FROM courses_category WHERE course_count > 0 ORDER BY slug"

# Words of English titles, the most common first: each is in far more courses than a page shows.
COMMON_WORDS = """
    SELECT word, courses FROM (
        SELECT word, count(*) AS courses
        FROM courses_course, regexp_split_to_table(lower(title), '[^a-z]+') AS word
        WHERE status = 'published' AND language = 'English' AND length(word) BETWEEN 4 AND 15
        GROUP BY word ORDER BY courses DESC, word LIMIT %(limit)s
    ) AS common
    WHERE to_tsvector('english', word) <> '' ORDER BY courses DESC, word
"""

# Learners with many courses, so that flags are there to be found.
_VIEWERS = """
    SELECT user_id FROM enrollments_enrollment WHERE status = 'active'
    GROUP BY user_id ORDER BY count(*) DESC, user_id LIMIT %(viewers)s
"""
# The three hundred most popular are what the first pages show: each viewer wants some of them.
_POPULAR = """
    SELECT stats.course_id, row_number() OVER (ORDER BY student_count DESC, course_id) AS place
    FROM courses_coursestats AS stats JOIN courses_course AS course ON course.id = stats.course_id
    WHERE course.status = 'published' ORDER BY student_count DESC, course_id LIMIT 300
"""
_ADD_CARTS = f"""
    INSERT INTO cart_cart (id, created_at, updated_at, user_id, coupon_code)
    SELECT uuidv7(), now(), now(), user_id, '' FROM ({_VIEWERS}) AS viewers
    ON CONFLICT DO NOTHING
"""
_ADD_CART_ITEMS = f"""
    INSERT INTO cart_cartitem (id, created_at, updated_at, cart_id, course_id, added_at)
    SELECT uuidv7(), now(), now(), cart.id, popular.course_id, now()
    FROM cart_cart AS cart JOIN ({_VIEWERS}) AS viewers USING (user_id)
    JOIN ({_POPULAR}) AS popular ON popular.place %% 20 = 1
    ON CONFLICT DO NOTHING
"""
_ADD_WISHES = f"""
    INSERT INTO cart_wishlistitem (id, created_at, updated_at, user_id, course_id, added_at)
    SELECT uuidv7(), now(), now(), viewers.user_id, popular.course_id, now()
    FROM ({_VIEWERS}) AS viewers JOIN ({_POPULAR}) AS popular ON popular.place %% 10 = 3
    ON CONFLICT DO NOTHING
"""
# COPY goes past the triggers that keep what lists read.
_SYNC = "SELECT courses_sync_listing()"
COMPLETE = (_SYNC, _ADD_CARTS, _ADD_CART_ITEMS, _ADD_WISHES)

# Published courses with a hundred lessons and enough reviews for the page to show five.
DETAILED = """
    SELECT section.course_id
    FROM courses_curriculum AS section
    JOIN courses_lesson AS lesson ON lesson.curriculum_id = section.id
    JOIN courses_course AS course ON course.id = section.course_id
    JOIN courses_coursestats AS stats ON stats.course_id = section.course_id
    WHERE course.status = 'published' AND stats.rating_count >= 5
    GROUP BY section.course_id HAVING count(*) = 100
    ORDER BY md5(section.course_id::text) LIMIT %(limit)s
"""

OPEN_SESSIONS = f"""
    INSERT INTO users_session (id, created_at, updated_at, user_id, refresh_jti, recent_rotations,
        rotated_at, expires_at, end_reason, device, last_used_at)
    SELECT uuidv7(), now(), now(), user_id, uuidv7(), '[]', now(), %(expires_at)s, '', 'benchmark',
        now()
    FROM ({_VIEWERS}) AS viewers
    RETURNING id, user_id
"""
