"""What one start of LearnFlow is made of: read from `.env` and the process's environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import environ

_DEFAULT_PORT = 8000
_DEFAULT_STATE = ".local"


class ConfigurationError(Exception):
    """The environment asks for something impossible; the text is one line for the operator."""


@dataclass(frozen=True)
class Configuration:
    """How to start LearnFlow from the checkout `root`.

    `environment` is the whole environment of its processes before the launcher adds what isn't
    configured; empty values are left out, as they mean "not configured".
    """

    root: Path
    state: Path
    port: int
    loads_demo: bool
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where the web process answers, with a trailing slash."""
        return f"http://127.0.0.1:{self.port}/"

    def lacks(self, name: str) -> bool:
        """Whether the variable `name` is not configured."""
        return name not in self.environment


def read_configuration(*, root: Path, process: Mapping[str, str]) -> Configuration:
    """Read `root/.env` beneath the variables of `process`, which win (contract "Starting it").

    Raises ConfigurationError when PORT is no port number.
    """
    merged = {**_read_file(root / ".env"), **process}
    environment = {name: value for name, value in merged.items() if value != ""}
    return Configuration(
        root=root,
        state=(root / environment.get("LEARNFLOW_STATE", _DEFAULT_STATE)).expanduser().resolve(),
        port=_parse_port(environment.get("PORT", str(_DEFAULT_PORT))),
        loads_demo=environment.get("LEARNFLOW_DEMO", "on").lower() not in {"off", "0", "false"},
        environment=environment,
    )


def _read_file(path: Path) -> dict[str, str]:
    class Reader(environ.Env):
        """Keeps what it reads to itself instead of changing this process's environment."""

        ENVIRON: dict[str, str] = {}

    if path.exists():
        Reader.read_env(path)
    return Reader.ENVIRON


def _parse_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ConfigurationError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)
