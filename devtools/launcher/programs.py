"""The processes of one start and the environment they share."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.launcher import child, ports, state
from devtools.launcher.configuration import Configuration, ConfigurationError
from devtools.launcher.leftovers import MARK
from devtools.launcher.postgres import Postgres
from devtools.launcher.redis import Redis
from devtools.launcher.standin import StripeStandIn
from devtools.launcher.supervision import Program

_CELERY = ("celery", "--app", "learnflow", "--quiet")

Server = Postgres | Redis | StripeStandIn


@dataclass(frozen=True)
class Servers:
    """The embedded servers of a start; None stands for one that is configured elsewhere."""

    postgres: Postgres | None
    redis: Redis | None
    stripe: StripeStandIn | None

    def embedded(self) -> dict[str, Server]:
        """Those that are to be started, by name, in the order of their start."""
        named = {"postgres": self.postgres, "redis": self.redis, "stripe": self.stripe}
        return {name: server for name, server in named.items() if server is not None}


def plan_servers(configuration: Configuration, secrets: Mapping[str, str]) -> Servers:
    """The servers this start has to embed, on the ports of the last start where they are free."""
    folder, taken = configuration.state, {configuration.port}
    remembered = state.load_ports(folder)

    def port(name: str) -> int:
        chosen = ports.choose_port(preferred=remembered.get(name), taken=taken)
        taken.add(chosen)
        remembered[name] = chosen
        return chosen

    password = secrets["SERVER_PASSWORD"]
    lacks = configuration.lacks
    servers = Servers(
        Postgres(folder / "postgres", port("postgres"), password)
        if lacks("DATABASE_URL")
        else None,
        Redis(folder / "redis", port("redis"), password) if lacks("REDIS_URL") else None,
        StripeStandIn(
            folder=folder / "stripe",
            port=port("stripe"),
            secret_key=secrets["STRIPE_SECRET_KEY"],
            public_key=secrets["STRIPE_PUBLIC_KEY"],
            webhook_secret=secrets["STRIPE_WEBHOOK_SECRET"],
            webhook_url=f"{configuration.url}api/v1/payments/webhook/stripe/",
        )
        if lacks("STRIPE_SECRET_KEY")
        else None,
    )
    state.save_ports(folder, remembered)
    return servers


def compose_environment(
    configuration: Configuration, servers: Servers, secrets: Mapping[str, str]
) -> dict[str, str]:
    """The environment of every process: what is configured, completed by what is embedded."""
    folder, address = configuration.state, configuration.url.rstrip("/")
    defaults = {
        "DJANGO_SETTINGS_MODULE": "learnflow.settings.development",
        "SECRET_KEY": secrets["SECRET_KEY"],
        "JWT_SECRET": secrets["JWT_SECRET"],
        "API_BASE_URL": address,
        "MEDIA_ROOT": str(folder / "media"),
        "STATIC_ROOT": str(folder / "static"),
        "EMAIL_FILE_PATH": str(folder / "mail"),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "WEB_CONCURRENCY": "2",
    }
    if servers.postgres is not None:
        defaults["DATABASE_URL"] = servers.postgres.url
    if servers.redis is not None:
        defaults["REDIS_URL"] = servers.redis.url
    given = {name: value for name, value in configuration.environment.items() if value}
    # Empty, so that no process finds in `.env` what the launcher was told to leave out.
    left_out = {name: "" for name, value in configuration.environment.items() if not value}
    if servers.stripe is not None:
        # All four belong together: a real key beside the stand-in's address would leak to it.
        given |= servers.stripe.environment()
    own = {"PORT": str(configuration.port), "LEARNFLOW_STATE": str(folder), MARK: str(folder)}
    return left_out | defaults | given | own


def plan_programs(configuration: Configuration, servers: Servers) -> list[Program]:
    """Every process to keep running: embedded servers first, then web, workers and beat."""
    programs = [
        Program(name, server.command(), rank=10, stop_signal=server.stop_signal.name[3:])
        for name, server in servers.embedded().items()
    ]
    gunicorn = ("gunicorn", "--config", str(configuration.root / "docker" / "gunicorn.conf.py"),
                "--bind", f"{ports.LOOPBACK}:{configuration.port}",
                "learnflow.wsgi:application")  # fmt: skip
    programs += [
        Program("web", _module(*gunicorn), rank=20, in_group=True),
        *plan_workers(configuration.environment),
        plan_beat(),
    ]
    return programs


def plan_beat() -> Program:
    """What sets off the sweeps."""
    command = _module(*_CELERY, "beat", "--loglevel", "INFO", "--pidfile", "")
    return Program("beat", command, rank=20, in_group=True)


def plan_workers(environment: Mapping[str, str]) -> list[Program]:
    """A worker for each queue: none of them can keep another from its work. On a machine with
    little memory `WORKER_GROUPS` names queues that share one, and `WORKER_CONCURRENCY` says how
    many processes each has. Raises ConfigurationError."""
    # Not above: the product's package chooses settings, which a launcher for tests leaves to them.
    from learnflow import queues

    groups = environment.get("WORKER_GROUPS", "")
    processes = environment.get("WORKER_CONCURRENCY", "")
    options = ("worker", "--loglevel", "INFO", "--without-mingle", "--without-gossip")
    try:
        chosen = queues.split_groups(groups) if groups else list(queues.PROCESSES)
    except ValueError as exc:
        raise ConfigurationError(f"{exc}.") from None
    return [
        Program(
            f"worker-{group.replace(',', '-')}",
            _module(*_CELERY, *options, *queues.worker_arguments(group, processes)),
            rank=20,
            in_group=True,
        )
        for group in chosen
    ]


def _module(*command: str) -> list[str]:
    """Run a Python module of this virtual environment so that it ends with the supervisor."""
    return [sys.executable, str(Path(child.__file__)), "--", sys.executable, "-m", *command]
