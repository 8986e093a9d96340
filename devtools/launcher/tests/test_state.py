"""The state folder: one launcher at a time, secrets that stay, and a careful clean-up."""

import stat
from pathlib import Path

import pytest

from devtools.launcher import state


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


def test_clean_up_leaves_what_is_not_the_launchers(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with state.lock_state(folder):
        state.load_secrets(folder)
        (folder / "postgres").mkdir()
    (folder / "precious").touch()

    state.remove_state(folder)

    assert [path.name for path in folder.iterdir()] == ["precious"]


def test_clean_up_touches_no_folder_that_never_was_a_state(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()

    state.remove_state(tmp_path)

    assert (tmp_path / "media").exists()


def test_clean_up_is_refused_while_a_launcher_runs(tmp_path: Path) -> None:
    with state.lock_state(tmp_path), pytest.raises(state.StateInUseError):
        state.remove_state(tmp_path)
