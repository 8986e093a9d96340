"""What the launcher tells the person at the terminal."""

import sys
import threading

from devtools.launcher.configuration import Configuration
from devtools.launcher.programs import Servers

_DEMO_PASSWORD = "learnflow-demo-2026"
_DEMO_LOGINS = ("student", "instructor", "staff")
_lock = threading.Lock()


def show(text: str) -> None:
    """Print `text` whole. A terminal that is gone is no reason to fail."""
    with _lock:
        try:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except OSError:
            return


def ready_text(configuration: Configuration, servers: Servers) -> str:
    """The links and logins of an instance that is ready."""
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
    if configuration.loads_demo:
        logins = "   ".join(f"{name}@learnflow.test" for name in _DEMO_LOGINS)
        lines += ["", f"  Demo logins, password {_DEMO_PASSWORD}:", f"    {logins}"]
    return "\n".join([*lines, "", "  Ctrl-C stops everything.", ""])
