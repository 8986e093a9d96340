"""The state folder: one launcher at a time, secrets that stay, and a careful clean-up."""

import errno
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.launcher import durable, state, static_files

ROOT = Path(__file__).resolve().parents[3]


def test_a_second_launcher_is_refused_until_the_first_has_gone(tmp_path: Path) -> None:
    with (
        state.lock_state(tmp_path),
        pytest.raises(state.StateInUseError, match="already runs"),
        state.lock_state(tmp_path),
    ):
        pass
    with state.lock_state(tmp_path):
        pass


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    made = state.load_secrets(tmp_path)

    assert state.load_secrets(tmp_path) == made
    assert len(set(made.values())) == len(made)
    assert made["STRIPE_SECRET_KEY"].startswith("sk_test_")
    mode = stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode)
    assert mode == 0o600


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()

    assert not set(state.load_secrets(first).values()) & set(state.load_secrets(second).values())


def test_an_instance_is_published_and_forgotten(tmp_path: Path) -> None:
    assert state.read_instance(tmp_path) is None

    state.publish_instance(tmp_path, {"url": "http://127.0.0.1:1/"})
    assert state.read_instance(tmp_path) == {"url": "http://127.0.0.1:1/"}

    state.forget_instance(tmp_path)
    assert state.read_instance(tmp_path) is None


def test_a_process_that_died_published_nothing(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from devtools.launcher import state;"
        "state.publish_instance(Path(sys.argv[1]), {'url': 'http://127.0.0.1:1/'});"
        "assert state.read_instance(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, cwd=ROOT)

    assert (tmp_path / "instance.json").exists()
    assert state.read_instance(tmp_path) is None
    # As earlier versions left it, and as a full disk may.
    for text in ('{"url": "http://127.0.0.1:1/"}', '{"launcher": {"pid": 1', ""):
        (tmp_path / "instance.json").write_text(text)
        assert state.read_instance(tmp_path) is None


def test_secrets_that_are_damaged_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"SECRET_')

    with pytest.raises(state.StateError, match=r"secrets.json is damaged"):
        state.load_secrets(tmp_path)

    assert (tmp_path / "secrets.json").read_text() == '{"SECRET_'


def test_a_secret_that_came_later_is_added_to_those_kept(tmp_path: Path) -> None:
    kept = state.load_secrets(tmp_path)
    known = {"SERVER_PASSWORD": kept["SERVER_PASSWORD"]}
    (tmp_path / "secrets.json").write_text(json.dumps(known))

    made = state.load_secrets(tmp_path)

    assert made["SERVER_PASSWORD"] == kept["SERVER_PASSWORD"]
    assert made.keys() == kept.keys()
    assert state.load_secrets(tmp_path) == made


@pytest.mark.parametrize("text", ["", "{", '{"postgres": 2'])
def test_ports_that_nobody_knows_are_chosen_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)

    assert state.load_ports(tmp_path) == {}


def test_a_file_is_the_old_one_until_it_is_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    durable.write_text(path, "old", mode=0o600)

    def pull_the_plug(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "fsync", pull_the_plug)
        with pytest.raises(OSError, match="No space") as raised:
            durable.write_text(path, "new", mode=0o600)
    assert raised.value.filename == str(path)
    assert path.read_text() == "old"

    (tmp_path / "kept.new").chmod(0o644)
    durable.write_text(path, "new", mode=0o600)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_state_folder_stays_with_who_started_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.load_secrets(tmp_path)
    monkeypatch.setattr(state.os, "geteuid", lambda: 54321)

    with (
        pytest.raises(state.StateError, match=r"belongs to .*user 54321.*start LearnFlow as"),
        state.lock_state(tmp_path),
    ):
        pass


def test_clean_up_leaves_what_is_not_the_launchers(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with state.lock_state(folder):
        state.load_secrets(folder)
        (folder / "postgres").mkdir()
    (folder / "precious").touch()

    state.remove_state(folder)

    assert [path.name for path in folder.iterdir()] == ["precious"]


def test_clean_up_takes_what_was_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "state"

    def pull_the_plug(unfinished: Path, path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(durable, "put_in_place", pull_the_plug)
    with state.lock_state(folder):
        for write in (
            lambda: state.load_secrets(folder),
            lambda: state.save_ports(folder, {}),
            lambda: state.publish_instance(folder, {}),
            lambda: static_files.put_in_place(root=ROOT, state=folder, target=_collected(folder)),
        ):
            with pytest.raises(KeyboardInterrupt):
                write()
    assert len(list(folder.glob("*.new"))) == 4

    state.remove_state(folder)

    assert not folder.exists()


def _collected(folder: Path) -> Path:
    static_files.empty_folder(folder)
    return folder / "static"


def test_clean_up_touches_no_folder_that_never_was_a_state(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()

    state.remove_state(tmp_path)

    assert (tmp_path / "media").exists()


def test_clean_up_is_refused_while_a_launcher_runs(tmp_path: Path) -> None:
    with state.lock_state(tmp_path), pytest.raises(state.StateInUseError):
        state.remove_state(tmp_path)
