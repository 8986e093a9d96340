"""The tables of docs/payments.md name places and tests that are there, and leave no rule out."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "payments.md").read_text()
DECIDED, SHOWN = PAGE.split("\n## States\n")[0].split("\n## What shows each rule\n")


def read_rows(text: str, heading: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith(f"| {heading} |")
    ]


ROWS = read_rows(PAGE.split("\n## Guards\n")[1], "Guard")


@cache
def names_in(path: str) -> frozenset[str]:
    """The functions and classes of a module, those in classes as `Class::function`."""
    found: set[str] = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = (one for one in node.body if isinstance(one, ast.FunctionDef))
            found |= {f"{node.name}::{one.name}" for one in inner}
    return frozenset(found)


def test_each_guard_has_a_place_and_a_test() -> None:
    assert len(ROWS) > 100
    assert [row for row in ROWS if len(row) != 3 or not all(row)] == []
    guards = [row[0] for row in ROWS if not row[0].startswith("…")]
    assert len(guards) == len(set(guards))


def missing_places(where: str) -> Iterator[str]:
    text = None
    for told in re.findall(r"`([^`]+)`", where):
        path = ROOT / told
        if "/" in told and path.exists():
            text = path.read_text() if path.is_file() else ""
        elif text is None or not re.search(rf"\b{re.escape(told)}\b", text):
            yield told
    if text is None:
        yield where


def missing_tests(tests: str) -> Iterator[str]:
    path = ""
    for told in re.findall(r"`([^`]+)`", tests):
        file, _, name = told.partition("::")
        path = file or path
        if not (ROOT / path).is_file() or (name and name not in names_in(path)):
            yield f"{path}: {told}"
    if not path:
        yield tests


def test_each_place_is_there() -> None:
    assert [fault for row in ROWS for fault in missing_places(row[1])] == []


def test_each_test_is_there() -> None:
    assert [fault for row in ROWS for fault in missing_tests(row[2])] == []


def test_each_rule_names_its_test() -> None:
    """The questions of the first table, and each point of the sections after it by its first words;
    a rule that is added, renamed or dropped is seen."""
    rows = read_rows(SHOWN, "Rule")
    questions = [row[0] for row in read_rows(DECIDED, "Question")]
    points = re.findall(r"^- \*\*(.+?)\*\*", DECIDED, re.MULTILINE)
    assert len(points) == len(re.findall(r"^- ", DECIDED, re.MULTILINE)), "one has no first words"
    assert [row[0] for row in rows] == questions + points
    assert [fault for row in rows for fault in missing_tests(row[1])] == []
