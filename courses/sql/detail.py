"""The page of one course, in pieces: the roof adds what other apps know of it."""

from courses.sql.cards import CARD_COLUMNS, CARD_TABLES

# What `courses.lesson_files.show_resources` does, for the few lessons with files among them.
_WITH_FILES = """(
    SELECT jsonb_agg(CASE WHEN item ? 'id' THEN item || jsonb_build_object('url',
        %(lessons)s::text || lesson.id || '/resources/' || (item->>'id') || '/') ELSE item END
        ORDER BY place)
    FROM jsonb_array_elements(lesson.resources) WITH ORDINALITY AS listed (item, place)
)"""

# A lesson as the page shows it. `with_media` as below.
LESSON_COLUMNS = f"""
    lesson.id, lesson.title, lesson.description, lesson.duration_minutes,
    lesson."order", lesson.is_preview,
    CASE WHEN lesson.is_preview OR %(with_media)s::boolean
        THEN nullif(lesson.video_url, '') END AS video_url,
    CASE WHEN NOT (lesson.is_preview OR %(with_media)s::boolean) THEN NULL
        WHEN lesson.resources @? '$[*].id' THEN {_WITH_FILES}
        ELSE lesson.resources END AS resources,
    false AS completed
"""

# Hidden media never leave the database: `with_media` is for those who may learn. JSON is made of
# whole rows, whose columns are its keys: of values one by one it takes PostgreSQL half as long
# again.
DETAIL_COLUMNS = f"""
    {CARD_COLUMNS},
    course.is_published, course.description, course.short_description, course.preview_video_url,
    course.language, course.last_updated, course.published_at,
    course.outcomes::text, course.requirements::text,
    stats.review_count,
    ARRAY[stats.rating_5, stats.rating_4, stats.rating_3, stats.rating_2, stats.rating_1],
    profile.bio, profile.profile_picture,
    teaching.courses, teaching.students, teaching.rating,
    curriculum.lessons,
    CASE WHEN pg_column_size(curriculum.sections) <= %(page_bytes)s
        THEN curriculum.sections::text END
"""
DETAIL_TABLES = f"""
    {CARD_TABLES}
    LEFT JOIN users_userprofile AS profile ON profile.user_id = course.instructor_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS courses,
            coalesce(sum(theirs.student_count), 0)::bigint AS students,
            coalesce(
                round(sum(theirs.rating_sum) / nullif(sum(theirs.rating_count), 0), 1), 0
            )::float8 AS rating
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
                    SELECT {LESSON_COLUMNS}
                    FROM courses_lesson AS lesson
                    WHERE lesson.curriculum_id = section.id AND lesson.removed_at IS NULL
                ) AS shown
            ) AS live
            WHERE section.course_id = course.id
        ) AS shown
    ) AS curriculum
"""  # noqa: S608

# Of a curriculum that is too long for its page: all sections, and some lessons in their order.
SECTIONS = """
    SELECT section.id::text, section.title, left(section.description, 1000), section."order",
        count(lesson.id), coalesce(sum(lesson.duration_minutes), 0)::int
    FROM courses_curriculum AS section
    LEFT JOIN courses_lesson AS lesson
        ON lesson.curriculum_id = section.id AND lesson.removed_at IS NULL
    WHERE section.course_id = %(course)s
    GROUP BY section.id ORDER BY section."order", section.id
"""
COUNT_LESSONS = """
    SELECT count(*) FROM courses_lesson AS lesson
    JOIN courses_curriculum AS section ON section.id = lesson.curriculum_id
    WHERE section.course_id = %(course)s AND lesson.removed_at IS NULL
"""
LESSONS = f"""
    SELECT lesson.curriculum_id::text,
        (SELECT row_to_json(shown)::text FROM (SELECT {LESSON_COLUMNS}) AS shown)
    FROM (
        SELECT lesson.*, section."order" AS place
        FROM courses_lesson AS lesson
        JOIN courses_curriculum AS section ON section.id = lesson.curriculum_id
        WHERE section.course_id = %(course)s AND lesson.removed_at IS NULL
        ORDER BY section."order", section.id, lesson."order", lesson.id
        LIMIT %(limit)s OFFSET %(offset)s
    ) AS lesson
    ORDER BY lesson.place, lesson.curriculum_id, lesson."order", lesson.id
"""  # noqa: S608
