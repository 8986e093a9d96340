"""What the guards of the books are, not only that they are there: a fingerprint of each.

A function's body is fingerprinted as PostgreSQL keeps it, and of a trigger, a check or an index
what it is made of (function, moment, columns), not how some version of PostgreSQL words it.
`definitions.txt` has what the migrations leave; `manage.py list_guards` says what the database has.
"""

from collections.abc import Collection
from pathlib import Path

FILE = Path(__file__).with_name("definitions.txt")

# Columns that the tree of a condition names; how a tree is written has been the same for decades.
_NAMED = """
    (SELECT string_agg(DISTINCT attname, ',' ORDER BY attname)
     FROM regexp_matches({tree}::text, ':varattno (\\d+)', 'g') AS named(numbers)
     JOIN pg_attribute ON attrelid = {table} AND attnum = numbers[1]::int)
"""
_KEYS = """
    (SELECT string_agg(attname, ',' ORDER BY place)
     FROM unnest({keys}) WITH ORDINALITY AS key(number, place)
     JOIN pg_attribute ON attrelid = {table} AND attnum = number)
"""
# No constants in here: whatever is changed of a guard but its words is told.
_GUARDED = """
    SELECT 'trigger' AS kind, tgrelid::regclass::text AS of_table, tgname::text AS name,
           tgenabled IN ('O', 'A') AS is_on,
           concat_ws(' ', tgfoid::regproc, tgtype, tgdeferrable, tginitdeferred,
                     encode(tgargs, 'escape'), {columns}, tgoldtable, tgnewtable, tgqual IS NULL,
                     {when}) AS made_of
    FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text IN ({tables})
    UNION ALL
    SELECT 'check', conrelid::regclass::text, conname::text,
           convalidated OR conname IN ({since}), {checked}
    FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text IN ({tables})
    UNION ALL
    SELECT 'unique', indrelid::regclass::text, relname::text, indisunique AND indisvalid,
           concat_ws(' ', {keys}, indnullsnotdistinct, indpred IS NULL, {only})
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text IN ({tables})
    UNION ALL
    SELECT 'rule', ev_class::regclass::text, rulename::text, true, ''
    FROM pg_rewrite WHERE ev_class::regclass::text IN ({tables})
    UNION ALL
    SELECT 'function', '', oid::regprocedure::text, true,
           concat_ws(' ', prosrc, prosecdef, array_to_string(proconfig, ' '))
    FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace
      AND (proname LIKE 'payments\\_%' OR proname LIKE 'orders\\_%' OR oid IN (
          SELECT tgfoid FROM pg_trigger WHERE tgrelid::regclass::text IN ({tables})
            AND NOT tgisinternal))
"""


def tell_guards(tables: Collection[str], *, since: Collection[str]) -> str:
    """Return a query of the guards that the database has of these tables, with all functions of
    the books: kind, table, name, whether it is on, and its fingerprint. Checks in `since` needn't
    hold for what was there before."""
    given = _GUARDED.format(
        tables=", ".join(f"'{table}'" for table in sorted(tables)),
        since=", ".join(f"'{name}'" for name in since),
        columns=_KEYS.format(keys="tgattr::int2[]", table="tgrelid"),
        when=_NAMED.format(tree="tgqual", table="tgrelid"),
        checked=_KEYS.format(keys="conkey", table="conrelid"),
        keys=_KEYS.format(keys="indkey::int2[]", table="indrelid"),
        only=_NAMED.format(tree="indpred", table="indrelid"),
    )
    return (
        f"SELECT kind, of_table, name, is_on, left(md5(made_of), 16) AS made_of "  # noqa: S608
        f"FROM ({given}) AS guard"
    )


def read_definitions() -> list[tuple[str, str, str, str]]:
    """Return what the migrations leave: kind, table, name and fingerprint of each guard."""
    rows = (line.split("\t") for line in FILE.read_text().splitlines())
    return [(kind, table, name, made_of) for kind, table, name, made_of in rows]
