"""What a stand-in is started with."""

from dataclasses import dataclass, field

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events go. Several secrets sign at once, as while Stripe rolls a secret. `types` are
    the events it is registered for; without any, it is for all."""

    url: str
    secrets: tuple[str, ...]
    types: tuple[str, ...] = ()

    def wants(self, event_type: str) -> bool:
        """Whether events of that type go there."""
        return not self.types or event_type in self.types


@dataclass(frozen=True, slots=True)
class WebhookMode:
    """How events are delivered, as a test has asked for it; the default is as Stripe does.

    `hold` keeps deliveries back until it is lifted; `drop` never makes them. Both and the others
    apply to the event types in `types` alone when any are named. `duplicate` is the number of
    times each event is sent, `delay` is in seconds, `order` is how what is due goes out, one after
    the other: `reverse` or `shuffle`; empty is oldest first, several at once.
    """

    hold: bool = False
    drop: bool = False
    duplicate: int = 1
    delay: float = 0.0
    order: str = ""
    types: tuple[str, ...] = ()

    def covers(self, event_type: str) -> bool:
        """Whether this mode speaks of that type of event."""
        return not self.types or event_type in self.types


PLAIN = WebhookMode()


@dataclass(frozen=True, slots=True)
class Config:
    """Keys, endpoints and time scales (in seconds) of one stand-in."""

    secret_key: str
    publishable_key: str
    endpoints: tuple[Endpoint, ...] = ()
    state: str | None = None
    instance: str = ""
    retry_delay: float = 1.0
    webhook_timeout: float = 10.0
    async_delay: float = 2.0
    base_url: str = field(default="http://127.0.0.1")

    def __post_init__(self) -> None:
        if not self.secret_key.startswith("sk_test_"):
            raise ValueError("the secret key must be a test key (sk_test_…)")
        if not self.publishable_key.startswith("pk_test_"):
            raise ValueError("the publishable key must be a test key (pk_test_…)")
