"""A start that can't go on says why in words, whatever is wrong: never a traceback."""

import errno
import os
import pty
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from devtools.launcher.errors import describe
from devtools.launcher.ports import LOOPBACK

ROOT = Path(__file__).resolve().parents[3]
LOCALES = {
    "C": {"LC_ALL": "C"},
    "POSIX": {"LC_ALL": "POSIX"},
    "missing": {"LC_ALL": "tlh_KX.UTF-8"},
    "ASCII alone": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "Latin terminal": {"PYTHONIOENCODING": "latin-1"},
}


# As nobody, should we be root, for whom nothing is unwritable. Python may lie in root's home: what
# the launcher imports on its way is imported before.
AS_NOBODY = (
    "import os, sys; from devtools.launcher.__main__ import main;"
    "import core.starting, learnflow.settings.starting;"
    "os.geteuid() or (os.setgroups([]), os.setgid(65534), os.setuid(65534));"
    "sys.exit(main(['run']))"
)


def _start(
    settings: dict[str, str], *, as_nobody: bool = False
) -> "subprocess.CompletedProcess[bytes]":
    """`make run`'s launcher in an environment of its own."""
    how = ["-c", AS_NOBODY] if as_nobody else ["-m", "devtools.launcher", "run"]
    command = [sys.executable, *how]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHON"))}
    return subprocess.run(
        command,
        env={**inherited, "DATABASE_URL": "", "PYTHONDONTWRITEBYTECODE": "1", **settings},
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=600,
    )


def _words(done: "subprocess.CompletedProcess[bytes]") -> str:
    """The one line in which the start was given up."""
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 1, said
    assert said.startswith("LearnFlow: ")
    assert len(said.splitlines()) == 1
    return said


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_a_file_in_place_of_the_state_folder(tmp_path: Path, locale: dict[str, str]) -> None:
    (tmp_path / "é…日本").touch()

    words = _words(_start({"LEARNFLOW_STATE": f"{tmp_path}/é…日本", **locale}))
    below = _words(_start({"LEARNFLOW_STATE": f"{tmp_path}/é…日本/state", **locale}))

    assert "is a file: set LEARNFLOW_STATE to another folder" in words
    assert "is a file: set LEARNFLOW_STATE to another folder" in below


def test_a_state_folder_that_may_not_be_made_or_written() -> None:
    # pytest's own folder is closed to everybody else.
    with tempfile.TemporaryDirectory(prefix="learnflow-") as folder:
        Path(folder).chmod(0o555)
        made = _words(_start({"LEARNFLOW_STATE": f"{folder}/state"}, as_nobody=True))
        written = _words(_start({"LEARNFLOW_STATE": folder}, as_nobody=True))
        Path(folder).chmod(0o700)

    assert f"{folder}/state: Permission denied" in made
    assert f"{folder}/launcher.lock: Permission denied" in written


def test_a_port_that_another_program_has(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = str(server.getsockname()[1])
        words = _words(_start({"LEARNFLOW_STATE": str(tmp_path), "PORT": port}))

    assert f"Port {port} is taken by another program, " in words
    assert f"(process {os.getpid()}): stop it, or set PORT" in words


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"PORT": "http"}, "PORT must be a number"),
        ({"SECRET_KEY_FILE": "/nowhere"}, "SECRET_KEY_FILE names /nowhere, unreadable"),
        ({"LEARNFLOW_STATE": "/dev/null"}, "is a file"),
        ({"LEARNFLOW_STATE": "/" + "x" * 300}, "File name too long"),
        ({"LEARNFLOW_STATE": "~nobody-at-all"}, "LEARNFLOW_STATE can't be"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, str], words: str) -> None:
    assert words in _words(_start(settings))


def test_what_the_system_refuses_is_said_with_its_place(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "secrets.json.new"))

    assert describe(full) == f"{tmp_path}/secrets.json.new: No space left on device."
    assert describe(OSError("odd")) == "odd."


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
@pytest.mark.parametrize("output", ["/dev/full", "pipe", "closed", "terminal"])
def test_the_banner_never_fails(locale: dict[str, str], output: str) -> None:
    program = (
        "from devtools.launcher import banner; from devtools.printable import be_printable;"
        "be_printable();"
        r"banner.show('Stopping \u2026 \udce9'); banner.show('\xe9'); banner.complain('\u2026')"
    )
    reader, writer = os.pipe() if output != "terminal" else pty.openpty()
    if output == "pipe":
        os.close(reader)
    if output == "/dev/full":
        os.close(writer)
        writer = os.open(output, os.O_WRONLY)
    closing = " >&- 2>&-" if output == "closed" else ""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1"{closing}', sys.executable, program],
        env={"PATH": os.environ["PATH"], **locale},
        cwd=ROOT,
        stdout=writer,
        stderr=writer,
        check=False,
    )
    os.close(writer)
    if output != "pipe":
        os.close(reader)

    assert done.returncode == 0
