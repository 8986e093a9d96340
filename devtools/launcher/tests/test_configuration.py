"""What `.env` and the environment mean together."""

from pathlib import Path

import pytest

from devtools.launcher.configuration import ConfigurationError, read_configuration
from devtools.launcher.run import run


def test_defaults(tmp_path: Path) -> None:
    configuration = read_configuration(root=tmp_path, process={})

    assert configuration.port == 8000
    assert configuration.state == tmp_path / ".local"
    assert configuration.loads_demo
    assert configuration.lacks("DATABASE_URL")
    assert configuration.url == "http://127.0.0.1:8000/"


def test_the_process_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=8001\nREDIS_URL=redis://file\nLEARNFLOW_DEMO=off\n")

    configuration = read_configuration(root=tmp_path, process={"PORT": "8002"})

    assert configuration.port == 8002
    assert configuration.environment["REDIS_URL"] == "redis://file"
    assert not configuration.loads_demo


def test_reading_the_file_changes_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FROM_FILE", raising=False)
    (tmp_path / ".env").write_text("FROM_FILE=1\n")

    first = read_configuration(root=tmp_path, process={})
    (tmp_path / ".env").unlink()
    second = read_configuration(root=tmp_path, process={})

    assert not first.lacks("FROM_FILE")
    assert second.lacks("FROM_FILE")


def test_an_empty_value_is_not_configured(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgres://file\nSTRIPE_SECRET_KEY=\n")

    configuration = read_configuration(root=tmp_path, process={"DATABASE_URL": ""})

    assert configuration.lacks("DATABASE_URL")
    assert configuration.lacks("STRIPE_SECRET_KEY")


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8000.0", "²"])
def test_a_port_that_is_none_is_refused_by_name(tmp_path: Path, port: str) -> None:
    with pytest.raises(ConfigurationError, match="PORT must be"):
        read_configuration(root=tmp_path, process={"PORT": port})


def test_a_demo_that_is_neither_on_nor_off_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LEARNFLOW_DEMO must be on or off"):
        read_configuration(root=tmp_path, process={"LEARNFLOW_DEMO": "perhaps"})


def test_settings_that_nothing_can_start_with_are_told_before_anything_starts(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("THROTTLE_LOGIN=lots\nWEB_CONCURRENCY=two\n")
    configuration = read_configuration(root=tmp_path, process={"PORT": "1"})
    with pytest.raises(SystemExit) as stopped:
        run(configuration)
    lines = str(stopped.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"LearnFlow can't start, {name}" for name in ("WEB_CONCURRENCY", "THROTTLE_LOGIN")
    ]
    assert not configuration.state.exists()


def test_values_and_secrets_are_read_as_the_settings_read_them(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgres://u:$x@db/one\n")
    (tmp_path / ".env").write_bytes(
        f"\ufeffSTRIPE_SECRET_KEY='$k'\r\nDATABASE_URL_FILE={tmp_path}/url\r\n".encode()
    )

    configuration = read_configuration(root=tmp_path, process={})

    assert configuration.environment["STRIPE_SECRET_KEY"] == "$k"
    assert configuration.environment["DATABASE_URL"] == "postgres://u:$x@db/one"
    assert not configuration.lacks("DATABASE_URL")


@pytest.mark.parametrize("text", ["SECRET_KEY_FILE=/nowhere", "no assignment"])
def test_what_cannot_be_read_is_said_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / ".env").write_text(text)

    with pytest.raises(ConfigurationError, match=r"unreadable|line 1"):
        read_configuration(root=tmp_path, process={})


@pytest.mark.parametrize(
    "state", ["x" * 250 + "/y" * 250, "a ;b", "a #b", "a\nb", "~nobody-at-all/x"]
)
def test_a_folder_the_servers_cannot_name_is_refused(tmp_path: Path, state: str) -> None:
    with pytest.raises(ConfigurationError, match="LEARNFLOW_STATE"):
        read_configuration(root=tmp_path, process={"LEARNFLOW_STATE": state})


def test_a_relative_state_folder_lies_in_the_checkout(tmp_path: Path) -> None:
    configuration = read_configuration(root=tmp_path, process={"LEARNFLOW_STATE": "other"})

    assert configuration.state == tmp_path / "other"
