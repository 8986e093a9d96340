"""Locks that an older pip will refuse once something has a newer release are found today."""

from importlib.metadata import distribution
from pathlib import Path

import pytest

from devtools.locks.complete import complete_lock
from devtools.locks.extras import find_missing_extras
from devtools.locks.pins import Pin, read_pins
from devtools.locks.trial import try_install

_REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"


def _pin(name: str, *extras: str) -> Pin:
    return Pin(name=name, version=distribution(name).version, extras=frozenset(extras))


def _pins(*names: str) -> list[Pin]:
    return [_pin(name) for name in names]


# pytest-cov asks for coverage[toml], and its other needs have none themselves.
_COVERED = _pins("pytest-cov", "pytest", "iniconfig", "packaging", "pluggy", "pygments")


@pytest.mark.parametrize("name", ["base", "testing", "development", "production", "servers"])
def test_the_locks_of_the_project_have_every_extra(name: str) -> None:
    assert find_missing_extras(read_pins(_REQUIREMENTS / f"{name}.txt")) == []


def test_a_pin_without_the_extra_is_named_with_who_asks_for_it() -> None:
    found = find_missing_extras([*_COVERED, _pin("coverage")])

    assert found == ["no line pins coverage[toml], which pytest-cov asks for: run make lock"]


def test_a_pin_with_the_extra_alone_is_not_one_without(tmp_path: Path) -> None:
    found = find_missing_extras([_pin("kombu", "redis"), _pin("celery")])

    assert "no line pins kombu, which celery asks for: run make lock" in found


def test_what_another_python_or_machine_needs_is_left_out(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("never==1 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n")

    assert find_missing_extras(read_pins(lock)) == []


def test_another_version_than_the_pinned_one_is_named() -> None:
    found = find_missing_extras([Pin(name="celery", version="1.0")])

    assert found[0].startswith("celery is pinned to 1.0, but ")


def test_an_old_pip_installs_a_whole_lock_beside_newer_releases() -> None:
    assert try_install([*_COVERED, _pin("coverage"), _pin("coverage", "toml")]) is None


def test_an_old_pip_refuses_a_lock_whose_extras_were_stripped() -> None:
    refusal = try_install([*_COVERED, _pin("coverage")])

    assert refusal is not None
    assert "In --require-hashes mode" in refusal
    assert "coverage[toml]" in refusal


def test_a_lock_is_completed_by_the_line_without_extras_and_each_extra_alone() -> None:
    uv_wrote = (
        "psycopg[binary, pool]==3.3 ; python_version > '3' \\\n"
        "    --hash=sha256:00\n    # via -r base.in\nsix==1.0 \\\n    --hash=sha256:11\n"
    )

    completed = complete_lock(uv_wrote)

    added = "".join(
        f"psycopg{extra}==3.3 ; python_version > '3' \\\n    --hash=sha256:00\n"
        for extra in ("", "[binary]", "[pool]")
    )
    assert completed == added + uv_wrote
    assert complete_lock(completed) == completed
