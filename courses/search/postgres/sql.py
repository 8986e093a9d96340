"""The statements of search in PostgreSQL. Values are parameters; only names are put in here."""

from functools import lru_cache

from courses.sql.listing import STATEMENTS, where

# Text search configurations of migration 0007, by what authors write as a course's language.
CONFIGURATIONS = {
    "english": "english", "en": "english",
    "spanish": "spanish", "español": "spanish", "es": "spanish",
    "portuguese": "portuguese", "português": "portuguese", "pt": "portuguese",
    "french": "french", "français": "french", "fr": "french",
    "german": "german", "deutsch": "german", "de": "german",
    "italian": "italian", "italiano": "italian", "it": "italian",
    "dutch": "dutch", "nederlands": "dutch", "nl": "dutch",
    "russian": "russian", "русский": "russian", "ru": "russian",
}  # fmt: skip
# What people who speak a language call it: "marketing en español".
OWN_NAMES = {
    "spanish": "español castellano", "portuguese": "português", "french": "français",
    "german": "deutsch", "italian": "italiano", "dutch": "nederlands", "russian": "русский",
}  # fmt: skip
SIMPLE = "courses_simple"
ALL_CONFIGURATIONS = [
    SIMPLE, *sorted({f"courses_{name}" for name in CONFIGURATIONS.values()})
]  # fmt: skip


def _read(name: str) -> str:
    return f"""(
        SELECT string_agg(DISTINCT '(' || query::text || ')', ' | ')
        FROM (
            SELECT websearch_to_tsquery(
                configuration::regconfig, courses_search_words(%({name})s)
            ) AS query
            FROM unnest(%(configurations)s::text[]) AS configuration
        ) AS queries
        WHERE numnode(query) > 0
    )"""  # noqa: S608


# In every language, as nobody says which one they type; a course matches in the one it is written
# in, or by plain words. As one OR of whole queries, so that "the" may be missing from an English
# course and "le" from a French one.
READ = f"SELECT {_read('wanted')}, {_read('unwanted')}, courses_search_words(%(wanted)s)"


@lru_cache(maxsize=STATEMENTS)
def count(conditions: tuple[str, ...]) -> str:
    """Return the statement that counts what matches, exactly."""
    return f"""
        SELECT count(*) FROM courses_searchentry AS entry {_narrow(conditions)}
        WHERE entry.document @@ %(search)s::tsquery
    """  # noqa: S608


@lru_cache(maxsize=STATEMENTS)
def page(conditions: tuple[str, ...]) -> str:
    """Return the statement for one page of matches.

    Candidates first, by facts that are at hand: those with all words in the title, then the
    others, each the popular first. The other half isn't looked at when titles are enough. Only the
    first `ranked` candidates are ordered by relevance, which reads their documents; the rest
    follows as it stands.
    """
    narrow = _narrow(conditions)
    return f"""
        WITH titled AS MATERIALIZED (
            SELECT entry.course_id, entry.popularity
            FROM courses_searchentry AS entry {narrow}
            WHERE entry.title @@ %(search)s::tsquery
            ORDER BY entry.popularity DESC, entry.course_id DESC LIMIT %(reach)s
        ), others AS MATERIALIZED (
            SELECT entry.course_id, entry.popularity
            FROM courses_searchentry AS entry {narrow}
            WHERE entry.document @@ %(search)s::tsquery
              AND NOT entry.title @@ %(search)s::tsquery
              AND (SELECT count(*) FROM titled) < %(reach)s
            ORDER BY entry.popularity DESC, entry.course_id DESC LIMIT %(reach)s
        ), placed AS MATERIALIZED (
            SELECT course_id, row_number() OVER (
                ORDER BY in_title DESC, popularity DESC, course_id DESC
            ) AS place
            FROM (
                SELECT course_id, popularity, true AS in_title FROM titled
                UNION ALL SELECT course_id, popularity, false FROM others
            ) AS candidates
        ), scored AS (
            SELECT placed.course_id, place, {_SCORE} AS score
            FROM placed
            JOIN courses_searchentry AS entry ON entry.course_id = placed.course_id
            WHERE place <= %(ranked)s
            UNION ALL
            SELECT course_id, place, NULL FROM placed WHERE place > %(ranked)s
        )
        SELECT course_id FROM scored
        ORDER BY place > %(ranked)s, score DESC, place
        LIMIT %(limit)s OFFSET %(offset)s
    """  # noqa: S608


# Weights from D to A. A title that is the query beats all; all words in the title beat any other
# match. Ten times the learners count like a quarter more relevance.
_SCORE = """
    ts_rank('{0.05, 0.15, 0.4, 1}', entry.document, %(search)s::tsquery, 1)
        * (1 + entry.popularity / 40.0::float8)
    + CASE WHEN entry.title @@ %(search)s::tsquery THEN 1 ELSE 0 END
    + CASE WHEN entry.words = %(words)s THEN 10::float8
           WHEN starts_with(entry.words, %(words)s || ' ') THEN 0.1
           ELSE 0 END
"""


def _narrow(conditions: tuple[str, ...]) -> str:
    if not conditions:
        return ""
    return f"""
        JOIN courses_coursestats AS stats
            ON stats.course_id = entry.course_id AND {where(conditions)}
    """


# The most popular first, in two steps: most beginnings of words are found among the courses that
# most people learn in, and only for the others the whole index is asked.
SUGGEST = """
    WITH known AS MATERIALIZED (
        SELECT course_id, popularity, title FROM courses_searchentry
        ORDER BY popularity DESC, course_id DESC LIMIT %(known)s
    ), near AS MATERIALIZED (
        SELECT course_id, popularity FROM known WHERE title @@ %(search)s::tsquery
        ORDER BY popularity DESC, course_id DESC LIMIT %(limit)s
    ), far AS MATERIALIZED (
        SELECT course_id, popularity FROM courses_searchentry
        WHERE title @@ %(search)s::tsquery AND (SELECT count(*) FROM near) < %(limit)s
        ORDER BY popularity DESC, course_id DESC LIMIT %(limit)s
    )
    SELECT course.id, course.title, course.slug
    FROM (SELECT * FROM near UNION SELECT * FROM far) AS found
    JOIN courses_course AS course ON course.id = found.course_id
    WHERE course.status = 'published'
    ORDER BY found.popularity DESC, found.course_id DESC LIMIT %(limit)s
"""

# `marks` are the two characters that stand for the tags: a course's own are taken away.
HIGHLIGHT = """
    SELECT course.id,
        ts_headline(
            configuration, translate(course.title, %(marks)s, ''), %(search)s::tsquery, %(whole)s
        ),
        ts_headline(
            configuration,
            translate(
                CASE WHEN course.short_description = '' THEN left(course.description, 2000)
                     ELSE course.short_description END,
                %(marks)s, ''
            ),
            %(search)s::tsquery, %(part)s
        )
    FROM courses_course AS course
    CROSS JOIN LATERAL (
        SELECT coalesce(
            'courses_' || (%(configurations)s::jsonb ->> lower(course.language)), 'courses_simple'
        )::regconfig
    ) AS chosen (configuration)
    WHERE course.id = ANY(%(ids)s)
"""

# --- The index ----------------------------------------------------------------------------------
# What an entry is made from. A tsvector holds less than a megabyte: of a description without end
# only the beginning is found. Popularity is a logarithm, so that few sales move it.
_SOURCES = """
    SELECT course.id,
        coalesce(
            'courses_' || (%(configurations)s::jsonb ->> lower(course.language)), 'courses_simple'
        )::regconfig AS configuration,
        course.title, course.short_description, left(course.description, 100000) AS description,
        concat_ws(' ', category.name, instructor.first_name, instructor.last_name) AS names,
        concat_ws(
            ' ', course.level, course.language, %(own_names)s::jsonb ->> lower(course.language)
        ) AS facts,
        least(round(10 * log(1 + coalesce(stats.student_count, 0))), 30000)::smallint
            AS popularity,
        md5(concat_ws(
            E'\\n', course.language, course.level, course.title, course.short_description,
            course.description, category.name, instructor.first_name, instructor.last_name
        )) AS fingerprint
    FROM courses_course AS course
    JOIN users_user AS instructor ON instructor.id = course.instructor_id
    LEFT JOIN courses_category AS category ON category.id = course.category_id
    LEFT JOIN courses_coursestats AS stats ON stats.course_id = course.id
    WHERE course.status = 'published'
"""
LOCK = "SELECT 1 FROM courses_course WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"
FORGET = """
    DELETE FROM courses_searchentry AS entry WHERE entry.course_id = ANY(%(ids)s)
        AND NOT EXISTS (SELECT FROM courses_course AS course
                        WHERE course.id = entry.course_id AND course.status = 'published')
"""
# Title over summary and names over description over level and language; each in the course's
# language and as plain words, names and facts in English too, as the shop's own words are.
WRITE = f"""
    INSERT INTO courses_searchentry AS entry
        (course_id, words, title, document, popularity, fingerprint)
    SELECT source.id, trim(regexp_replace(words.title, '[^[:alnum:]]+', ' ', 'g')),
        made.title,
        setweight(made.title, 'A') || setweight(made.summary, 'B') || setweight(made.names, 'B')
            || setweight(made.description, 'C') || setweight(made.facts, 'D'),
        source.popularity, source.fingerprint
    FROM ({_SOURCES} AND course.id = ANY(%(ids)s)) AS source
    CROSS JOIN LATERAL (
        SELECT courses_search_words(source.title) AS title,
            courses_search_words(source.short_description) AS summary,
            courses_search_words(source.names) AS names,
            courses_search_words(source.facts) AS facts,
            courses_search_words(source.description) AS description
    ) AS words
    CROSS JOIN LATERAL (
        SELECT
            to_tsvector(configuration, words.title)
                || to_tsvector('courses_simple', words.title) AS title,
            to_tsvector(configuration, words.summary)
                || to_tsvector('courses_simple', words.summary) AS summary,
            to_tsvector(configuration, words.names) || to_tsvector('courses_english', words.names)
                || to_tsvector('courses_simple', words.names) AS names,
            to_tsvector(configuration, words.facts) || to_tsvector('courses_english', words.facts)
                || to_tsvector('courses_simple', words.facts) AS facts,
            to_tsvector(configuration, words.description) AS description
    ) AS made
    WHERE NOT EXISTS (
        SELECT FROM courses_searchentry AS known
        WHERE known.course_id = source.id AND known.fingerprint = source.fingerprint
          AND known.popularity = source.popularity
    )
    ORDER BY source.id
    ON CONFLICT (course_id) DO UPDATE SET
        words = excluded.words, title = excluded.title, document = excluded.document,
        popularity = excluded.popularity, fingerprint = excluded.fingerprint
    RETURNING course_id
"""  # noqa: S608
STALE = f"""
    SELECT source.id FROM ({_SOURCES}) AS source
    LEFT JOIN courses_searchentry AS entry ON entry.course_id = source.id
    WHERE entry.course_id IS NULL OR entry.fingerprint <> source.fingerprint
       OR entry.popularity <> source.popularity
    UNION ALL
    SELECT entry.course_id FROM courses_searchentry AS entry
    JOIN courses_course AS course ON course.id = entry.course_id
    WHERE course.status <> 'published'
"""  # noqa: S608

# --- Spelling -----------------------------------------------------------------------------------
# In order, so that two writers of the same new words don't wait for each other in a circle.
LEARN = f"""
    INSERT INTO courses_searchterm (term, courses)
    SELECT DISTINCT word.lexeme, 0
    FROM ({_SOURCES} AND course.id = ANY(%(ids)s)) AS source
    CROSS JOIN LATERAL unnest(to_tsvector('courses_simple', courses_search_words(
        concat_ws(' ', source.title, source.short_description, source.names)
    ))) AS word
    WHERE word.lexeme ~ '^[[:alpha:]][[:alnum:]]*$' AND length(word.lexeme) BETWEEN 3 AND 40
    ORDER BY 1
    ON CONFLICT (term) DO NOTHING
"""  # noqa: S608
RECOUNT = """
    UPDATE courses_searchterm AS term SET courses = coalesce(counted.ndoc, 0)
    FROM courses_searchterm AS known
    LEFT JOIN ts_stat('SELECT title FROM courses_searchentry') AS counted
        ON counted.word = known.term
    WHERE known.term = term.term AND coalesce(counted.ndoc, 0) <> term.courses
"""
# Words that titles had at the last count are known at once; the others are looked for where they
# would be now. What is too short or only a number can't be a message, unless it is joined to an
# address ("t.me/ab"): what is joined must be so in a title or a category's name ("node.js").
_JOINED = r"""
    SELECT btrim(part, '.,;:!?"''()[]-/') AS token
    FROM regexp_split_to_table(lower(unaccent('unaccent', {text})), '[[:space:],;]+') AS part
"""
KNOWN = rf"""
    WITH asked AS MATERIALIZED (
        SELECT query, word
        FROM unnest(%(queries)s::text[]) AS query,
            regexp_split_to_table(courses_search_words(query), '[^[:alnum:]]+') AS word
        WHERE length(word) > 2 AND word !~ '^[0-9]+$'
    ), shelves AS MATERIALIZED (
        SELECT DISTINCT word
        FROM courses_category AS category,
            regexp_split_to_table(courses_search_words(category.name), '[^[:alnum:]]+') AS word
    ), unknown AS MATERIALIZED (
        SELECT word FROM (SELECT DISTINCT word FROM asked) AS words
        WHERE NOT EXISTS (SELECT FROM courses_searchterm AS term
                          WHERE term.term = words.word AND term.courses > 0)
          AND NOT EXISTS (SELECT FROM shelves WHERE shelves.word = words.word)
          AND NOT EXISTS (SELECT FROM courses_searchentry AS entry
                          WHERE entry.title @@ quote_literal(words.word)::tsquery)
    ), joined AS MATERIALIZED (
        SELECT query, token
        FROM unnest(%(queries)s::text[]) AS query
        CROSS JOIN LATERAL ({_JOINED.format(text="query")}) AS tokens
        WHERE token ~ '[^./:@\u3002][./:@\u3002]+[^./:@\u3002]'
          AND token !~ '^[0-9]+[./:][0-9]+$'
    ), of_categories AS MATERIALIZED (
        SELECT token FROM courses_category AS category
        CROSS JOIN LATERAL ({_JOINED.format(text="category.name")}) AS own
    ), unknown_joined AS MATERIALIZED (
        SELECT token FROM (SELECT DISTINCT token FROM joined) AS tokens
        WHERE token NOT IN (SELECT token FROM of_categories) AND NOT EXISTS (
            SELECT FROM courses_searchentry AS entry
            JOIN courses_course AS course ON course.id = entry.course_id
            CROSS JOIN LATERAL ({_JOINED.format(text="course.title")}) AS own
            WHERE entry.title
                    @@ plainto_tsquery('courses_simple', courses_search_words(tokens.token))
              AND course.status = 'published' AND own.token = tokens.token
        )
    )
    SELECT query FROM unnest(%(queries)s::text[]) AS query
    WHERE NOT EXISTS (SELECT FROM asked JOIN unknown USING (word) WHERE asked.query = query.query)
      AND NOT EXISTS (
          SELECT FROM joined JOIN unknown_joined USING (token) WHERE joined.query = query.query
      )
"""  # noqa: S608
# One typing error away, looked up one by one, or near by trigrams: "pyhton" shares too few of
# those with "python". Both cost the same however many courses there are.
NEAR = """
    SELECT typed.word, near.term, near.courses
    FROM unnest(%(words)s::text[]) AS typed (word)
    CROSS JOIN LATERAL (
        (SELECT term, courses FROM courses_searchterm WHERE term = typed.word)
        UNION
        (SELECT term, courses FROM courses_searchterm
         ORDER BY term <-> typed.word LIMIT %(nearest)s)
    ) AS near
    UNION
    SELECT guess.word, known.term, known.courses
    FROM unnest(%(guessed_words)s::text[], %(guesses)s::text[]) AS guess (word, term)
    JOIN courses_searchterm AS known ON known.term = guess.term
"""
