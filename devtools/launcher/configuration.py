"""What one start of LearnFlow is made of: read from `.env` and the process's environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from core.environment import read_variables
from devtools.launcher.errors import LauncherError

_DEFAULT_PORT = 8000
_DEFAULT_STATE = ".local"
_ON = {"on", "1", "true", "yes", "ok", "y"}
_OFF = {"off", "0", "false", "no", "n"}
_LONGEST_PATH = 600


class ConfigurationError(LauncherError):
    """The environment asks for something impossible."""


@dataclass(frozen=True)
class Configuration:
    """How to start LearnFlow from the checkout `root`.

    `environment` is the whole environment of its processes before the launcher adds what isn't
    configured. An empty value in it means "not configured", whatever `.env` says.
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
        return not self.environment.get(name)


def read_configuration(*, root: Path, process: Mapping[str, str]) -> Configuration:
    """Read `root/.env` beneath the variables of `process`, which win (contract "Starting it").

    Raises ConfigurationError when one can't be read, or is impossible.
    """
    try:
        environment = read_variables(process=process, file=root / ".env")
    except ImproperlyConfigured as problem:
        raise ConfigurationError(str(problem)) from None
    return Configuration(
        root=root,
        state=_parse_state(environment.get("LEARNFLOW_STATE") or _DEFAULT_STATE, root),
        port=_parse_port(environment.get("PORT") or str(_DEFAULT_PORT)),
        loads_demo=_parse_demo(environment.get("LEARNFLOW_DEMO") or "on"),
        environment=environment,
    )


def _parse_state(text: str, root: Path) -> Path:
    """The folder that `text` names, beside `root` if it is relative."""
    try:
        folder = (root / Path(text).expanduser()).resolve()
    except (RuntimeError, OSError) as problem:
        raise ConfigurationError(f"LEARNFLOW_STATE can't be {text!r}: {problem}.") from None
    for path in (folder, root):
        _check_path(path)
    return folder


def _check_path(path: Path) -> None:
    """Refuse a path that the configuration files of the servers can't name."""
    size = len(os.fsencode(path))
    if size > _LONGEST_PATH:
        raise ConfigurationError(
            f"The path {path} has {size} bytes, and PostgreSQL and Redis take at most "
            f"{_LONGEST_PATH}: start LearnFlow in another folder, or set LEARNFLOW_STATE."
        )
    if re.search(r"[\x00-\x1f\x7f]|\s[;#]", str(path)):
        raise ConfigurationError(
            f"The path {str(path)!r} holds what the servers' files can't tell from a comment or a "
            "line's end: start LearnFlow in another folder, or set LEARNFLOW_STATE."
        )


def _parse_demo(text: str) -> bool:
    word = text.strip().lower()
    if word not in _ON | _OFF:
        raise ConfigurationError(f"LEARNFLOW_DEMO must be on or off, not {text!r}.")
    return word in _ON


def _parse_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ConfigurationError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)
