"""Statements that complete the generated data and read from it what the streams ask for."""

COUNT_COURSES = "SELECT count(*) FROM courses_course WHERE status = 'published'"
CATEGORIES = "SELECT slug FROM courses_category WHERE course_count > 0 ORDER BY slug"

# Words of titles, the most common first: each is in far more courses than a page shows.
COMMON_WORDS = """
    SELECT word FROM (
        SELECT word, count(*) AS courses
        FROM courses_course, regexp_split_to_table(lower(title), '[^a-z]+') AS word
        WHERE status = 'published' AND length(word) BETWEEN 4 AND 15
        GROUP BY word ORDER BY courses DESC, word LIMIT %(limit)s
    ) AS common
    WHERE to_tsvector('english', word) <> '' ORDER BY courses DESC, word
"""

# The courses whose page is measured: every so-many-th of the published ones, by id.
_CHOSEN = """
    SELECT id FROM (
        SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS courses
        FROM courses_course WHERE status = 'published'
    ) AS numbered
    WHERE place %% greatest(courses / %(courses)s, 1) = 0
    LIMIT %(courses)s
"""
_DROP_LESSONS = f"""
    DELETE FROM enrollments_lessonprogress WHERE lesson_id IN (
        SELECT lesson.id FROM courses_lesson AS lesson
        JOIN courses_curriculum AS section ON section.id = lesson.curriculum_id
        WHERE section.course_id IN ({_CHOSEN}))
"""
_DROP_LESSONS_THEMSELVES = f"""
    DELETE FROM courses_lesson WHERE curriculum_id IN (
        SELECT id FROM courses_curriculum WHERE course_id IN ({_CHOSEN}))
"""
_DROP_SECTIONS = f"DELETE FROM courses_curriculum WHERE course_id IN ({_CHOSEN})"
_ADD_SECTIONS = f"""
    INSERT INTO courses_curriculum (id, created_at, updated_at, course_id, title, description,
        "order", total_lessons, total_duration_minutes)
    SELECT uuidv7(), now(), now(), chosen.id, 'Section ' || place,
        'What this part of the course is about, in a sentence', place, 10, 120
    FROM ({_CHOSEN}) AS chosen, generate_series(1, 10) AS place
"""
_ADD_LESSONS = f"""
    INSERT INTO courses_lesson (id, created_at, updated_at, curriculum_id, title, description,
        video_url, duration_minutes, "order", is_preview, resources)
    SELECT uuidv7(), now(), now(), section.id, 'Lesson ' || place || ' of ' || section.title,
        'What is learned here, in a sentence', 'https://videos.example.com/' || section.id, 12,
        place, section."order" = 1 AND place <= 2,
        jsonb_build_array(jsonb_build_object('title', 'Slides',
            'url', 'https://files.example.com/' || section.id || '.pdf'))
    FROM courses_curriculum AS section, generate_series(1, 10) AS place
    WHERE section.course_id IN ({_CHOSEN})
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
    INSERT INTO cart_cart (id, created_at, updated_at, user_id)
    SELECT uuidv7(), now(), now(), user_id FROM ({_VIEWERS}) AS viewers
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
COMPLETE = (
    _DROP_LESSONS, _DROP_LESSONS_THEMSELVES, _DROP_SECTIONS, _ADD_SECTIONS, _ADD_LESSONS,
    _ADD_CARTS, _ADD_CART_ITEMS, _ADD_WISHES,
)  # fmt: skip

DETAILED = """
    SELECT course.id FROM courses_course AS course
    JOIN courses_coursestats AS stats ON stats.course_id = course.id
    WHERE course.status = 'published' AND (
        SELECT count(*) FROM courses_curriculum AS section
        JOIN courses_lesson AS lesson ON lesson.curriculum_id = section.id
        WHERE section.course_id = course.id AND section.title = 'Section ' || section."order"
    ) = 100
    ORDER BY md5(course.id::text) LIMIT %(limit)s
"""

OPEN_SESSIONS = f"""
    INSERT INTO users_session (id, created_at, updated_at, user_id, refresh_jti, recent_rotations,
        rotated_at, expires_at, end_reason, device, last_used_at)
    SELECT uuidv7(), now(), now(), user_id, uuidv7(), '[]', now(), %(expires_at)s, '', 'benchmark',
        now()
    FROM ({_VIEWERS}) AS viewers
    RETURNING id, user_id
"""
