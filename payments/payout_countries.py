"""Where instructors can live to be paid by Stripe Connect, and under which agreement.

What decides is where the platform's own Stripe account is (`STRIPE_PLATFORM_COUNTRY`):

- In its own country, and from any of the US, Canada, the UK, the EEA and Switzerland to any other
  of them, money is transferred to accounts under Stripe's `full` agreement
  (https://docs.stripe.com/connect/separate-charges-and-transfers, "Geographic availability"). These
  ask for `card_payments` beside `transfers`: Stripe lets hardly any platform ask for `transfers`
  alone (https://docs.stripe.com/connect/account-capabilities).
- A platform in the US can pay to further countries, where accounts are under the `recipient`
  agreement, which has `transfers` alone and can't have `card_payments`
  (https://docs.stripe.com/connect/service-agreement-types). Stripe enables that by the platform's
  profile, and else refuses the account in words of its own
  (https://docs.stripe.com/connect/cross-border-payouts).

Under the wrong one an account is refused when it is opened, or money when it is sent.
"""

from enum import StrEnum

from payments.errors import PayoutCountryUnsupported


class Agreement(StrEnum):
    """Stripe's agreement with whom we pay, as `tos_acceptance[service_agreement]` names it."""

    FULL = "full"
    RECIPIENT = "recipient"


def _countries(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


_EEA = _countries(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
)
# Among these, money is transferred across borders on the payments balance.
_CONNECTED = _EEA | {"CA", "CH", "GB", "US"}
# Elsewhere a platform can transfer to accounts in its own country alone.
_ALONE = _countries("AU BR JP MX MY NZ SG")
# To which a platform in the US pays by the recipient agreement; without those of _CONNECTED.
_FROM_THE_US = _countries(
    "AE AG AL AM AO AR AU AZ BA BD BH BJ BN BO BS BT BW CI CL CO CR DO DZ EC EG ET GA GH GM GT GY "
    "HK ID IL IN JM JO JP KE KH KR KW KZ LA LC LK MA MC MD MG MK MN MO MU MX MY MZ NA NE NG NZ OM "
    "PA PE PH PK PY QA RS RW SA SG SM SN SV TH TN TR TT TW TZ UY UZ VN ZA"
)


def choose_agreement(*, platform: str, country: str) -> Agreement:
    """Return the agreement under which a platform in one country pays somebody in another (two
    capital letters each). Raises PayoutCountryUnsupported where Stripe doesn't pay to."""
    if {platform, country} <= _CONNECTED or country == platform in _ALONE:
        return Agreement.FULL
    if platform == "US" and country in _FROM_THE_US:
        return Agreement.RECIPIENT
    raise PayoutCountryUnsupported(country=country)
