"""Which servers a start embeds, and what its processes find in their environment."""

from pathlib import Path

import pytest

from devtools.launcher import state
from devtools.launcher.configuration import ConfigurationError, read_configuration
from devtools.launcher.programs import compose_environment, plan_programs, plan_servers

_CONFIGURED = {
    "DATABASE_URL": "postgres://db/one",
    "REDIS_URL": "redis://cache/0",
    "STRIPE_SECRET_KEY": "sk_live_x",
}
PRODUCT = ["web", "worker-money", "worker-learning", "worker-mail", "worker-bulk", "beat"]


def _plan(root: Path, process: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """The environment and the names of the programs of a start with `process`."""
    configuration = read_configuration(root=root, process=process)
    configuration.state.mkdir(exist_ok=True)
    secrets = state.load_secrets(configuration.state)
    servers = plan_servers(configuration, secrets)
    environment = compose_environment(configuration, servers, secrets)
    return environment, [program.name for program in plan_programs(configuration, servers)]


def test_everything_unconfigured_is_embedded(tmp_path: Path) -> None:
    environment, names = _plan(tmp_path, {})

    assert names == ["postgres", "redis", "stripe", *PRODUCT]
    assert environment["DATABASE_URL"].startswith("postgres://learnflow:")
    assert environment["STRIPE_API_BASE"].startswith("http://127.0.0.1:")
    assert environment["EMAIL_FILE_PATH"] == str(tmp_path / ".local" / "mail")
    ports = state.load_ports(tmp_path / ".local")
    assert len({*ports.values(), 8000}) == 4


def test_what_is_configured_is_used_and_not_embedded(tmp_path: Path) -> None:
    environment, names = _plan(tmp_path, _CONFIGURED)

    assert names == PRODUCT
    assert environment.items() >= _CONFIGURED.items()
    assert "STRIPE_API_BASE" not in environment


def test_queues_may_share_a_worker_but_none_is_left_out(tmp_path: Path) -> None:
    process = {**_CONFIGURED, "WORKER_GROUPS": "money learning,mail,bulk"}
    assert _plan(tmp_path, process)[1] == [
        "web", "worker-money", "worker-learning-mail-bulk", "beat"
    ]  # fmt: skip
    for wrong in ("money learning,mail", "money,mail,bulk,learning money", "all"):
        with pytest.raises(ConfigurationError, match="WORKER_GROUPS"):
            _plan(tmp_path, {**_CONFIGURED, "WORKER_GROUPS": wrong})


@pytest.mark.parametrize("name", ["STRIPE_PUBLIC_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE"])
def test_half_configured_stripe_never_mixes_with_the_stand_in(tmp_path: Path, name: str) -> None:
    environment, _ = _plan(tmp_path, {name: "somewhere-else"})

    assert environment[name] != "somewhere-else"


def test_what_is_left_out_stays_so_in_every_process(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("EMAIL_HOST=smtp.example.com\nDATABASE_URL=postgres://db/one\n")

    environment, names = _plan(tmp_path, {"EMAIL_HOST": "", "DATABASE_URL": ""})

    assert environment["EMAIL_HOST"] == ""  # Missing, a process would find it in `.env`.
    assert "postgres" in names
    assert "127.0.0.1" in environment["DATABASE_URL"]


def test_a_second_start_has_the_same_secrets_and_ports(tmp_path: Path) -> None:
    first, _ = _plan(tmp_path, {})
    second, _ = _plan(tmp_path, {})

    assert first == second


def test_no_password_is_on_a_servers_command_line(tmp_path: Path) -> None:
    configuration = read_configuration(root=tmp_path, process={})
    configuration.state.mkdir()
    secrets = state.load_secrets(configuration.state)
    servers = plan_servers(configuration, secrets)

    for server in (servers.postgres, servers.redis):
        assert server is not None
        assert secrets["SERVER_PASSWORD"] not in " ".join(server.command())
