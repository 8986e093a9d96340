"""What `.env` and the environment mean together."""

from pathlib import Path

import pytest

from devtools.launcher.configuration import ConfigurationError, read_configuration


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


def test_a_relative_state_folder_lies_in_the_checkout(tmp_path: Path) -> None:
    configuration = read_configuration(root=tmp_path, process={"LEARNFLOW_STATE": "other"})

    assert configuration.state == tmp_path / "other"
