"""What is configured: the variables of the process, `.env` beneath them, and secrets from files.

Needs no settings: they are made of this, and so is what `make run` starts.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

# For NAME in here NAME_FILE may name a file with the value, as Docker and Kubernetes mount secrets.
SECRETS = (
    "SECRET_KEY",
    "JWT_SECRET",
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_HOST_USER",
    "EMAIL_HOST_PASSWORD",
    "STRIPE_PUBLIC_KEY",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "METRICS_TOKEN",
    "SENTRY_DSN",
)

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)
_DOUBLE_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_SINGLE_QUOTED = re.compile(r"'([^']*)'\s*(?:#.*)?")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Environment(environ.Env):
    """Reads typed settings from `variables`; an empty value means "not configured".

    A value is what it is: `$` in it refers to nothing. Around the parts of a list may be spaces.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__()
        self.ENVIRON = variables

    def get_value(
        self,
        var: str,
        cast: Any = None,
        default: Any = environ.Env.NOTSET,
        parse_default: bool = False,
    ) -> Any:
        """Return the value of `var` as `cast`, or `default` as it is.

        Raises ImproperlyConfigured when there is neither.
        """
        value = self.ENVIRON.get(var, "")
        if value != "":
            if cast is list:
                return split_list(value)
            return self.parse_value(value, cast)
        if default is self.NOTSET:
            raise ImproperlyConfigured(f"{var} is not configured.")
        return default


def split_list(value: str) -> list[str]:
    """Return the parts between the commas, without the spaces around them; none that is empty."""
    return [part.strip() for part in value.split(",") if part.strip()]


def read_variables(*, process: Mapping[str, str], file: Path | None) -> dict[str, str]:
    """Read what is configured: `process` over `file`, and secrets out of the files they name.

    A NAME of SECRETS whose NAME_FILE is set has that file's text without its last line break, in
    place of NAME_FILE. Whichever of the two the process has, even empty, wins over both in `file`.
    Raises ImproperlyConfigured, never with a value in its text.
    """
    beneath = read_env_file(file) if file is not None else {}
    for name in SECRETS:
        if name in process or f"{name}_FILE" in process:
            beneath = {k: v for k, v in beneath.items() if k not in (name, f"{name}_FILE")}
    variables = {**beneath, **process}
    for name in SECRETS:
        if path := variables.pop(f"{name}_FILE", ""):
            if variables.get(name):
                raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one.")
            variables[name] = _read_secret(name, path)
    return variables


def read_env_file(path: Path) -> dict[str, str]:
    """Read the lines NAME=VALUE of `path`; without that file nothing is configured in it.

    A value in quotes is all between them, `\\n` and the like in double quotes as in a shell. Any
    other ends before ` #` or at the end of the line. Raises ImproperlyConfigured, naming the line.
    """
    try:
        # In the encoding that editors of Windows put a mark before, if they do.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{path} is not in UTF-8: save it as UTF-8.") from None
    except OSError as problem:
        raise ImproperlyConfigured(f"{path} can't be read: {problem.strerror}.") from None
    return dict(_assignments(path, text))


def _assignments(path: Path, text: str) -> Iterator[tuple[str, str]]:
    # Not `splitlines`, which takes more than line breaks for one. Reading has made all `\n`.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(line)
        value = _parse_value(match[2]) if match else None
        if match is None or value is None or "\0" in value:
            raise ImproperlyConfigured(
                f"{path}, line {number}: this is not NAME=VALUE, or a quote has no partner."
            )
        yield match[1], value


def _parse_value(text: str) -> str | None:
    """The value that `text` (all after `=`) stands for, or None where its quotes don't match."""
    bare = text.strip()
    if bare.startswith("'"):
        match = _SINGLE_QUOTED.fullmatch(bare)
        return match[1] if match else None
    if bare.startswith('"'):
        match = _DOUBLE_QUOTED.fullmatch(bare)
        return re.sub(r"\\(.)", _unescape, match[1]) if match else None
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[1])


def _read_secret(name: str, path: str) -> str:
    try:
        # Not text mode: only the last line break is taken away, whatever else a secret holds.
        text = Path(path).read_bytes().decode()
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not text in UTF-8"
        raise ImproperlyConfigured(f"{name}_FILE names {path}, unreadable: {reason}.") from None
    value = text.removesuffix("\n").removesuffix("\r")
    if not value or "\0" in value:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which holds no value.")
    return value
