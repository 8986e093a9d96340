"""Locks that no longer say what the `.in` files ask for are found without a network."""

import re
import shutil
from pathlib import Path

import pytest
import time_machine

from devtools.locks.drift import find_drift
from devtools.locks.pins import read_pins
from devtools.locks.trial import _write_wheel

_REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
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


@pytest.mark.parametrize(
    ("pinned", "missing"),
    [
        (["celery", "celery[redis]"], "s3, sqs"),
        (["celery", "celery[s3]", "celery[redis]"], "sqs"),
        (["celery"], "redis, s3, sqs"),
        (["celery[redis, s3, sqs]"], ""),
        (["celery", "celery[redis]", "celery[s3]", "celery[SQS]"], ""),
    ],
)
def test_extras_that_no_line_pins_are_named(source: Path, pinned: list[str], missing: str) -> None:
    source.write_text("celery[redis,s3,sqs]\n")
    source.with_suffix(".txt").write_text(
        "".join(f"{name}==5.7.0 \\\n    --hash=sha256:00\n" for name in pinned)
    )

    lock = source.with_suffix(".txt")
    told = f"{lock}: celery is pinned without {missing}, which base.in asks for: run make lock"
    assert find_drift(source) == ([told] if missing else [])


@pytest.mark.parametrize("name", ["base", "testing", "development", "production", "servers"])
def test_the_locks_of_the_project_lose_no_extra(tmp_path: Path, name: str) -> None:
    for path in _REQUIREMENTS.glob("*.in"):
        shutil.copy(path, tmp_path)
    lock = (_REQUIREMENTS / f"{name}.txt").read_text()
    source = tmp_path / f"{name}.in"
    source.with_suffix(".txt").write_text(lock)
    assert find_drift(source) == []

    source.with_suffix(".txt").write_text(re.sub(r"^(\S+)\[.*\]==", r"\1==", lock, flags=re.M))

    assert len(find_drift(source)) == _with_extras(source)


def test_each_line_counts_that_asks_for_the_same(source: Path) -> None:
    source.write_text("django<5\n-r more.in\n")
    source.with_name("more.in").write_text("django\n")

    assert "django is not pinned" in find_drift(source)[0]


def test_included_files_count(source: Path) -> None:
    source.write_text("django\n")
    more = source.with_name("more.in")
    more.write_text("-r base.in\ncelery[redis]\n")
    more.with_suffix(".txt").write_text(_LOCK)

    assert len(find_drift(more)) == 1


def _with_extras(source: Path) -> int:
    """How many lines ask for extras, in the file and those it includes."""
    text = source.read_text()
    included = re.findall(r"^-r (\S+)", text, re.MULTILINE)
    own = len(re.findall(r"^[^#\n]+\[", text, re.MULTILINE))
    return own + sum(_with_extras(source.with_name(name)) for name in included)


def test_a_wheel_for_the_trial_is_the_same_at_any_time(tmp_path: Path) -> None:
    (pin,) = [pin for pin in read_pins(_REQUIREMENTS / "base.txt") if pin.name == "django"]
    written = set()
    for moment in ("2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z"):
        with time_machine.travel(moment):
            written.add(_write_wheel(pin, pin.version, tmp_path).read_bytes())
    assert len(written) == 1
