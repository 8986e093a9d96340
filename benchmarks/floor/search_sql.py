"""The floor's statements for search. What is found and in which order is the product's rule
(docs/search.md): candidates by title and popularity, the first of them by relevance."""

from benchmarks.floor.sql import CARD, CARD_JOINS, NO_FLAGS

RANKED = 100
LANGUAGES = [
    f"courses_{name}"
    for name in ("simple", "dutch", "english", "french", "german", "italian", "portuguese",
                 "russian", "spanish")
]  # fmt: skip

READ = """
    SELECT string_agg(DISTINCT '(' || query::text || ')', ' | '), courses_search_words(%(text)s)
    FROM (
        SELECT websearch_to_tsquery(language::regconfig, courses_search_words(%(text)s)) AS query
        FROM unnest(%(languages)s::text[]) AS language
    ) AS queries
    WHERE numnode(query) > 0
"""
COUNT = """
    SELECT count(*) FROM courses_searchentry AS entry WHERE entry.document @@ %(search)s::tsquery
"""
PAGE = f"""
    WITH titled AS MATERIALIZED (
        SELECT entry.course_id, entry.popularity FROM courses_searchentry AS entry
        WHERE entry.title @@ %(search)s::tsquery
        ORDER BY entry.popularity DESC, entry.course_id DESC LIMIT %(reach)s
    ), others AS MATERIALIZED (
        SELECT entry.course_id, entry.popularity FROM courses_searchentry AS entry
        WHERE entry.document @@ %(search)s::tsquery AND NOT entry.title @@ %(search)s::tsquery
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
        SELECT placed.course_id, place,
            ts_rank('{{0.05, 0.15, 0.4, 1}}', entry.document, %(search)s::tsquery, 1)
                * (1 + entry.popularity / 40.0::float8)
            + CASE WHEN entry.title @@ %(search)s::tsquery THEN 1 ELSE 0 END
            + CASE WHEN entry.words = %(words)s THEN 10::float8
                   WHEN starts_with(entry.words, %(words)s || ' ') THEN 0.1
                   ELSE 0 END AS score
        FROM placed JOIN courses_searchentry AS entry ON entry.course_id = placed.course_id
        WHERE place <= %(ranked)s
        UNION ALL
        SELECT course_id, place, NULL FROM placed WHERE place > %(ranked)s
    ), found AS (
        SELECT course_id, place, score FROM scored
        ORDER BY place > %(ranked)s, score DESC, place LIMIT %(limit)s OFFSET %(offset)s
    )
    SELECT {CARD}{NO_FLAGS}
    FROM found {CARD_JOINS}
    ORDER BY place > %(ranked)s, score DESC, place
"""
