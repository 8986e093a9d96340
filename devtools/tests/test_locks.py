"""Locks that no longer say what the `.in` files ask for are found without a network."""

from pathlib import Path

import pytest

from devtools.locks.drift import find_drift

_LOCK = """\
django==5.2.1 \\
    --hash=sha256:00
    # via -r requirements/base.in
sqlparse==0.5 \\
    --hash=sha256:00
    # via django
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "base.txt").write_text(_LOCK)
    return tmp_path / "base.in"


def test_a_lock_that_fits(source: Path) -> None:
    source.write_text("# the framework\nDjango>=5.2,<5.3\n")

    assert find_drift(source) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("django>=6\n", "django is not pinned"),
        ("django\ncelery\n", "celery is not pinned"),
        ("sqlparse\n", "django is pinned for base.in"),
    ],
)
def test_drift_is_named(source: Path, text: str, found: str) -> None:
    source.write_text(text)

    assert [problem for problem in find_drift(source) if found in problem]


def test_included_files_count(source: Path) -> None:
    source.write_text("django\n")
    more = source.with_name("more.in")
    more.write_text("-r base.in\ncelery[redis]\n")
    more.with_suffix(".txt").write_text(_LOCK)

    assert len(find_drift(more)) == 1
