"""The stand-in for Stripe as the launcher sees it: a command line, an address, a health check."""

import secrets
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from devtools.launcher import child
from devtools.launcher.ports import LOOPBACK


@dataclass(frozen=True)
class StripeStandIn:
    """The stand-in for Stripe, which keeps its payments in `folder` and calls `webhook_url`."""

    folder: Path
    port: int
    secret_key: str
    public_key: str
    webhook_secret: str
    webhook_url: str
    instance: str = field(default_factory=lambda: secrets.token_hex(16))

    stop_signal = signal.SIGTERM

    @property
    def data(self) -> Path:
        """The folder of its state file."""
        return self.folder

    @property
    def url(self) -> str:
        """Its address, for `STRIPE_API_BASE`."""
        return f"http://{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        """Make its folder."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """The command line that runs it in the foreground, ending with its parent."""
        options = {
            "port": str(self.port),
            "state": str(self.folder / "state.sqlite3"),
            "secret-key": self.secret_key,
            "publishable-key": self.public_key,
            "webhook-secret": self.webhook_secret,
            "webhook-url": self.webhook_url,
            "instance": self.instance,
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        program = [sys.executable, "-m", "devtools.stripe_standin", *arguments]
        return [sys.executable, child.__file__, "--", *program]

    def environment(self) -> dict[str, str]:
        """The variables that send the official SDK here."""
        return {
            "STRIPE_API_BASE": self.url,
            "STRIPE_SECRET_KEY": self.secret_key,
            "STRIPE_PUBLIC_KEY": self.public_key,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
        }

    def answers(self) -> bool:
        """Whether this stand-in (not another server on its port) answers."""
        try:
            response = httpx.get(f"{self.url}/_control/health", timeout=2, trust_env=False)
        except httpx.HTTPError:
            return False
        return response.is_success and self.instance in response.text
