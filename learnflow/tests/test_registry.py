"""What the product reads from its environment is declared, documented and shown as an example."""

import re
from pathlib import Path

import pytest

from core.environment import SECRETS
from learnflow.settings.registry import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
DECLARED = {setting.name for setting in SETTINGS}
READERS = [*(ROOT / "learnflow").rglob("*.py"), ROOT / "docker/gunicorn.conf.py"]
# Nobody's to set: Django's own, and those by which one process of ours tells another something.
OURS = {"DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "PYTEST_XDIST_WORKER"}
_READ = re.compile(r"(?:env(?:iron)?(?:\.[a-z_]+)?[\(\[])\s*[\"']([A-Z][A-Z0-9_]+)[\"']")
# What a test or a tuning engineer may change, and nobody who installs it.
NOT_SHOWN = {"LEASE_SECONDS", "MAIL_LEASE_SECONDS", "BIND", "EMAIL_BACKEND", "EMAIL_FILE_PATH",
             "ALIVE_FILE"}  # fmt: skip


def _read_names() -> set[str]:
    sources = [path for path in READERS if "tests" not in path.parts]
    return {name for path in sources for name in _READ.findall(path.read_text())} - OURS


def test_every_variable_that_is_read_is_declared() -> None:
    names = _read_names()
    assert len(names) > 80
    assert names - DECLARED == set()


def test_what_is_declared_is_read() -> None:
    elsewhere = {"WEB_CONCURRENCY", "WORKER_GROUPS"}
    assert DECLARED - _read_names() == elsewhere


def test_every_declared_variable_is_in_the_table_of_operations() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    named = {name for line in text.splitlines() if line.startswith("| `")
             for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", line.split("|")[1])}  # fmt: skip
    assert DECLARED - NOT_SHOWN - named == set()


def test_every_declared_variable_is_in_the_example() -> None:
    text = (ROOT / ".env.example").read_text()
    shown = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, flags=re.M))
    assert DECLARED - NOT_SHOWN - shown == set()


def test_the_example_is_acceptable() -> None:
    text = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.+)$", text, flags=re.M))
    for setting in SETTINGS:
        if setting.name in shown:
            setting.kind(shown[setting.name])


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_is_declared_once(setting: object) -> None:
    assert SETTINGS.count(setting) == 1


def test_every_secret_may_lie_in_a_file() -> None:
    assert {setting.name for setting in SETTINGS if setting.secret} <= set(SECRETS)
