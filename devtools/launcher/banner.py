"""What the launcher tells the person at the terminal."""

import contextlib
import os
import sys
import threading
from typing import TextIO

from devtools.launcher.configuration import Configuration
from devtools.launcher.programs import Servers

_DEMO_PASSWORD = "learnflow-demo-2026"
_DEMO_LOGINS = ("student", "instructor", "staff")
_lock = threading.Lock()


def show(text: str) -> None:
    """Print `text` whole. A terminal that is gone is no reason to fail."""
    _print(text, sys.stdout)


def complain(text: str) -> None:
    """Print `text` where errors go, with the same patience."""
    _print(text, sys.stderr)


def _print(text: str, stream: TextIO | None) -> None:
    if stream is None:  # Closed when we were started.
        return
    with _lock:
        try:
            stream.write(f"{text}\n")
            stream.flush()
        except (OSError, ValueError):
            _let_go(stream)


def _let_go(stream: TextIO) -> None:
    """Send what comes to nowhere, or Python complains of the same at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def ready_text(configuration: Configuration, servers: Servers, *, has_demo: bool) -> str:
    """The links of an instance that is ready, and the logins of its demo."""
    url, folder = configuration.url, configuration.state
    lines = [
        "",
        f"LearnFlow is ready at {url}",
        "",
        f"  API       {url}api/v1/",
        f"  Docs      {url}api/docs/   {url}api/redoc/   {url}api/schema/",
        f"  Admin     {url}admin/",
    ]
    if configuration.lacks("EMAIL_HOST"):
        lines.append(f"  Mails     {folder / 'mail'}")
    lines.append(f"  Logs      {folder / 'log'}")
    if servers.stripe is not None:
        lines.append(
            f"  Stripe    a local stand-in at {servers.stripe.url}; try `make demo-purchase`"
        )
    if has_demo:
        logins = "   ".join(f"{name}@learnflow.test" for name in _DEMO_LOGINS)
        lines += ["", f"  Demo logins, password {_DEMO_PASSWORD}:", f"    {logins}"]
    return "\n".join([*lines, "", "  Ctrl-C stops everything.", ""])
