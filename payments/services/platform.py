"""Whether our own account at Stripe is set up as paying instructors needs it."""

from dataclasses import dataclass

from django.conf import settings

from payments import stripe_connect
from payments.services.payout_accounts import are_payouts_enabled

PAYOUT_SCHEDULE = "payout_schedule"
COUNTRY = "country"


@dataclass(frozen=True, kw_only=True)
class Setup:
    """One thing of the account: as we need it, and as Stripe has it ("" where it doesn't say)."""

    name: str
    needed: str
    found: str

    @property
    def is_right(self) -> bool:
        """Whether it is as needed, or Stripe doesn't say."""
        return self.found in (self.needed, "")


def look_at_platform() -> list[Setup]:
    """Return how our account is set up, asked of Stripe; nothing where instructors aren't paid by
    it. Raises PaymentsUnavailable.

    Automatic payouts would bring to our bank what instructors are owed before it is transferred to
    them; the country decides under which agreement their accounts are opened."""
    if not are_payouts_enabled():
        return []
    facts = stripe_connect.retrieve_platform()
    return [
        Setup(name=PAYOUT_SCHEDULE, needed="manual", found=facts.payout_interval),
        Setup(name=COUNTRY, needed=settings.STRIPE_PLATFORM_COUNTRY, found=facts.country),
    ]
