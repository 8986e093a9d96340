"""No command line of the tools fails for a letter that the terminal doesn't know."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.launcher.tests.test_words import LOCALES

ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("devtools", "benchmarks", "tests")
# They say nothing, or only what any terminal knows, and some of them must start fast.
_PLAIN = {
    "devtools/launcher/child.py", "devtools/locks/complete.py",
    "devtools/stripe_standin/__main__.py", "devtools/stripe_standin/spec/derive.py",
    "tests/crash/nursery.py",
}  # fmt: skip
_GUARD = re.compile(r'^if __name__ == "__main__":', re.MULTILINE)

# In place of pip and Python in a new environment: speaks UTF-8, as uv does everywhere.
_PYTHON = """#!/bin/sh
case "$*" in *config*) echo "global.find-links='/wheels/é…'" ;; esac
echo '  ✗ No solution found … ╰─▶ 日本' >&2
exit {status}
"""
_INSTALL = """
import pathlib, sys, venv
from devtools import install
def create(target, **options):
    (target / "bin").mkdir(parents=True)
    python = target / "bin" / "python"
    python.write_text(pathlib.Path("python").read_text("utf-8"), "utf-8")
    python.chmod(0o755)
venv.create = create
sys.exit(install.main())
"""
_DEMO = r"""
import sys
from devtools.demo_purchase import __main__ as demo
class Travelled:
    def __getattr__(self, name):
        return lambda: "F\xfcr \u2026 \u65e5\u672c"
demo.find_instance = lambda patience: Travelled()
demo.SlowMoney = lambda journey: journey
sys.exit(demo.main([]))
"""


def _run(
    locale: dict[str, str], *command: str, folder: Path = ROOT
) -> "subprocess.CompletedProcess[bytes]":
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHON"))}
    return subprocess.run(
        [sys.executable, *command],
        env={**inherited, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **locale},
        cwd=folder,
        capture_output=True,
        check=False,
    )


def test_every_command_line_is_printable() -> None:
    files = [path for name in _FOLDERS for path in (ROOT / name).rglob("*.py")]
    mains = {
        str(path.relative_to(ROOT)): text
        for path in files
        if _GUARD.search(text := path.read_text(encoding="utf-8"))
    }

    assert len(mains) > len(_PLAIN)
    strict = {path for path, text in mains.items() if "    be_printable()\n" not in text}
    assert strict == _PLAIN


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_the_installer_says_what_it_does(tmp_path: Path, locale: dict[str, str]) -> None:
    (tmp_path / "python").write_text(_PYTHON.format(status=0), encoding="utf-8")

    done = _run(locale, "-c", _INSTALL, folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"Making .venv ")
    assert done.stderr == b""
    assert (tmp_path / ".venv" / "installed.txt").exists()


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_the_installer_says_why_it_could_not(tmp_path: Path, locale: dict[str, str]) -> None:
    (tmp_path / "python").write_text(_PYTHON.format(status=1), encoding="utf-8")

    done = _run(locale, "-c", _INSTALL, folder=tmp_path)

    assert done.returncode == 1
    assert b"No solution found" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_the_demo_names_any_course(locale: dict[str, str]) -> None:
    done = _run(locale, "-c", _DEMO)

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(b"demo-purchase: everything held.\n")


@pytest.mark.parametrize("name", ["ASCII alone", "Latin terminal"])
def test_a_command_of_django_prints_any_title(name: str) -> None:
    program = r"print('F\xfcr \u2026 \u65e5\u672c')"
    settings = {"DJANGO_SETTINGS_MODULE": "learnflow.settings.testing"}

    done = _run({**settings, **LOCALES[name]}, "manage.py", "shell", "--no-imports", "-c", program)

    assert done.returncode == 0, done.stderr
    # What the terminal doesn't know is told apart, and not lost in what is sent to a file.
    assert done.stdout.startswith(b"F")
    assert b"?" not in done.stdout
