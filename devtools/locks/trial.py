"""Installs a lock with an old pip from an index in which every package has a newer release.

The index is made here: a folder of wheels with nothing in them but the metadata of what is
installed, each at the pinned version and at one that is newer than any. So it needs no network,
and tells today what pip will say on the day of the next release.
"""

import base64
import hashlib
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from devtools.locks.pins import Pin, pins_that_apply

# The pip that Python 3.11.7 and 3.12.1 bring along.
_PIP_VERSION = "23.2.1"
_PIP_SHA256 = "7ccf472345f20d35bdc9d1841ff5f313260c2c33fe417f48c30ac46cccabf5be"
_PIP_WHEEL = f"pip-{_PIP_VERSION}-py3-none-any.whl"
_KEPT = Path(sys.prefix) / "old-pip" / _PIP_WHEEL
_NEWER = "99999"


class OldPipError(Exception):
    """The old pip is not to be had; the text says what is missing."""


def try_install(pins: Sequence[Pin]) -> str | None:
    """Why the old pip refuses the lock, or None when it installs it.

    Raises OldPipError, and NotInstalledError where the environment isn't the lock's.
    """
    pip = find_old_pip()
    with tempfile.TemporaryDirectory(prefix="learnflow-lock-") as folder:
        index, lock = Path(folder, "index"), Path(folder, "lock.txt")
        index.mkdir()
        lock.write_text("".join(_publish(pin, index) for pin in pins_that_apply(pins)))
        venv.create(Path(folder, "venv"))
        # Isolated: neither this machine's index nor its constraints are what is tried.
        command = [
            str(Path(folder, "venv", "bin", "python")), str(pip / "pip"), "--isolated", "install",
            "--quiet", "--disable-pip-version-check", "--no-compile", "--no-index",
            "--find-links", str(index), "--require-hashes", "--requirement", str(lock),
        ]  # fmt: skip
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode == 0:
        return None
    return f"pip {_PIP_VERSION} refuses it: {' '.join(finished.stderr.split())}"


def find_old_pip() -> Path:
    """The wheel of the old pip: Python's own, one kept in the virtual environment, or downloaded.

    Raises OldPipError when there is none and the index of packages can't be reached.
    """
    spec = find_spec("ensurepip")
    bundled = Path(str(spec and spec.origin)).with_name("_bundled") / _PIP_WHEEL
    for wheel in (bundled, _KEPT):
        if wheel.exists() and hashlib.sha256(wheel.read_bytes()).hexdigest() == _PIP_SHA256:
            return wheel
    return _download_old_pip()


def _download_old_pip() -> Path:
    # Beside its place and put there when it is whole: others may be looking.
    with (
        tempfile.TemporaryDirectory(prefix="old-pip-", dir=sys.prefix) as folder,
        tempfile.NamedTemporaryFile("w", suffix=".txt") as pinned,
    ):
        pinned.write(f"pip=={_PIP_VERSION} --hash=sha256:{_PIP_SHA256}\n")
        pinned.flush()
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--require-hashes", "--dest", folder, "--requirement", pinned.name,
        ]  # fmt: skip
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        if finished.returncode == 0:
            _KEPT.parent.mkdir(exist_ok=True)
            Path(folder, _PIP_WHEEL).replace(_KEPT)
    if finished.returncode != 0:
        raise OldPipError(
            f"pip {_PIP_VERSION}, which tries the lock, is not on this machine and could not be "
            f"downloaded (is it offline?): {' '.join(finished.stderr.split())}"
        )
    return _KEPT


def _publish(pin: Pin, index: Path) -> str:
    """Put both releases of a package into the index; the line of the lock for the pinned one."""
    wheel = _write_wheel(pin, pin.version, index)
    _write_wheel(pin, _NEWER, index)
    extras = f"[{','.join(sorted(pin.extras))}]" if pin.extras else ""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{pin.name}{extras}=={pin.version} --hash=sha256:{digest}\n"


def _write_wheel(pin: Pin, version: str, index: Path) -> Path:
    found, stem = pin.find_installed(), f"{pin.name.replace('-', '_')}-{version}"
    extras = found.metadata.get_all("Provides-Extra") or ()
    metadata = [
        "Metadata-Version: 2.1", f"Name: {pin.name}", f"Version: {version}",
        *(f"Requires-Dist: {requirement}" for requirement in found.requires or ()),
        *(f"Provides-Extra: {extra}" for extra in extras),
    ]  # fmt: skip
    tags = ["Wheel-Version: 1.0", "Generator: learnflow", "Root-Is-Purelib: true",
            "Tag: py3-none-any"]  # fmt: skip
    files = {
        f"{stem}.dist-info/METADATA": "\n".join([*metadata, ""]),
        f"{stem}.dist-info/WHEEL": "\n".join([*tags, ""]),
    }
    record = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in files.items()]
    files[f"{stem}.dist-info/RECORD"] = "\n".join([*record, f"{stem}.dist-info/RECORD,,", ""])
    path = index / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            # Without the time of day: a package that has two lines is written twice, to one hash.
            wheel.writestr(zipfile.ZipInfo(name), text)
    return path


def _digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
