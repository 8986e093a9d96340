"""What SQL may do to a table that the version before works with.

What is known to do no harm stands in two short lists; all else needs a reason.
"""

import re
from collections.abc import Iterator, Set

from sqlparse import lexer, tokens

_NAME = r'(?:"[^"]+"|\w+)'
_TABLE = rf"(?:{_NAME}\.)?(?P<table>{_NAME})"
_TYPE = (
    r"(?:smallint|int|integer|bigint|real|double precision|boolean|bool|text|uuid|jsonb?|date|inet"
    r"|(?:numeric|decimal|varchar|character varying|char)(?: ?\(\d+(?:, ?\d+)?\))?"
    r"|timestamptz|timestamp(?: with(?:out)? time zone)?)(?: ?\[\])?"
)
# A constant, which PostgreSQL keeps beside the rows that are there and writes into none.
_CONSTANT = rf"default (?:-?\d+(?:\.\d+)?|true|false|'(?:[^']|'')*')(?: ?:: ?{_TYPE})?"
_STATEMENTS = (
    r"create (?:unique )?index concurrently .+",
    r"drop index concurrently .+",
    r"create (?:function|table|extension) .+",
    r"(?:comment on|set|analyze) .+",
)
_ALTERATIONS = (
    rf"add (?:column )?(?:if not exists )?{_NAME} {_TYPE}(?: null)?",
    rf"add (?:column )?(?:if not exists )?{_NAME} {_TYPE} {_CONSTANT}(?: not null)?",
    rf"alter (?:column )?{_NAME} set default .+",
    rf"add (?:constraint {_NAME} )?(?:check|foreign key) ?\(.+ not valid",
    rf"validate constraint {_NAME}",
    rf"drop constraint (?:if exists )?{_NAME}",
)
_HARMLESS = re.compile("|".join(_STATEMENTS), re.IGNORECASE | re.DOTALL)
_HARMLESS_ALTERATION = re.compile("|".join(_ALTERATIONS), re.IGNORECASE | re.DOTALL)
_ALTER = re.compile(rf"alter table (?:if exists )?(?:only )?{_TABLE} (?P<rest>.+)", re.IGNORECASE)
_ON_TABLE = re.compile(
    rf"create (?:unique index|index|trigger|constraint trigger) .*?\bon (?:only )?{_TABLE}[ (].*",
    re.IGNORECASE,
)


def find_harmful(sql: str, new_tables: Set[str]) -> Iterator[str]:
    """Say what in the text needs a reason. With the tables named, which the version before doesn't
    know, everything may be done."""
    for clauses in _split(sql):
        statement = ", ".join(clauses)
        alter = _ALTER.fullmatch(clauses[0])
        on_table = alter or _ON_TABLE.fullmatch(statement)
        if on_table and _is_among(new_tables, on_table["table"]):
            continue
        if alter:
            for alteration in (alter["rest"], *clauses[1:]):
                if not _HARMLESS_ALTERATION.fullmatch(alteration):
                    yield _shorten(f"ALTER TABLE {alter['table']} {alteration}")
        elif not _HARMLESS.fullmatch(statement):
            yield _shorten(statement)


def _split(sql: str) -> Iterator[list[str]]:
    """Each statement, as what stands between its commas outside of brackets. Without comments, and
    with single blanks."""
    clauses, depth = [""], 0
    for kind, text in [*lexer.tokenize(sql), (tokens.Punctuation, ";")]:
        is_mark = kind in tokens.Punctuation
        if is_mark:
            depth += {"(": 1, ")": -1}.get(text, 0)
        if is_mark and text == ";":
            if any(tidied := [" ".join(clause.split()) for clause in clauses]):
                yield tidied
            clauses, depth = [""], 0
        elif is_mark and text == "," and not depth:
            clauses.append("")
        # For PostgreSQL a # is an operator.
        elif kind in tokens.Comment and not text.startswith("#"):
            clauses[-1] += " "
        else:
            clauses[-1] += text


def _is_among(tables: Set[str], name: str) -> bool:
    return (name.strip('"') if name.startswith('"') else name.lower()) in tables


def _shorten(statement: str) -> str:
    return f"{statement[:100]}…" if len(statement) > 100 else statement
