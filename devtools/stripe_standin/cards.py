"""Stripe's test cards and test payment methods, and how each behaves.

Source: https://docs.stripe.com/testing (numbers, `pm_card_…` ids, declines, disputes, refunds,
3-D Secure) and the testing sections of the ACH and SEPA direct debit guides.
"""

from dataclasses import dataclass, replace
from typing import Any

from devtools.stripe_standin.errors import JsonObject


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What happens when somebody pays with it.

    `authentication` is when 3-D Secure is asked for: never, always, or `unless_off_session`.
    `decline` is a key of `DECLINES`; `dispute` a Stripe dispute reason; `refund` is how its
    refunds go: succeeded, pending or failed; `settlement` is how a bank debit ends.
    """

    kind: str = "card"
    brand: str = "visa"
    number: str = "4242424242424242"
    funding: str = "credit"
    country: str = "US"
    authentication: str = "never"
    decline: str = ""
    decline_after_authentication: str = ""
    dispute: str = ""
    inquiry: bool = False
    refund: str = "succeeded"
    settlement: str = ""
    cvc_check: str = "pass"
    risk: str = "normal"

    def as_traits(self) -> JsonObject:
        """The behaviour as JSON, to be stored beside a payment method."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_traits(cls, traits: JsonObject) -> "Behaviour":
        """What `as_traits` wrote; a plain Visa for nothing."""
        return cls(**traits)


# decline → (error code, decline code, message)
DECLINES: dict[str, tuple[str, str, str]] = {
    "generic": ("card_declined", "generic_decline", "Your card was declined."),
    "insufficient_funds": (
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    "lost_card": ("card_declined", "lost_card", "Your card was declined."),
    "stolen_card": ("card_declined", "stolen_card", "Your card was declined."),
    "fraudulent": ("card_declined", "fraudulent", "Your card was declined."),
    "velocity": (
        "card_declined",
        "card_velocity_exceeded",
        "Your card was declined for making repeated attempts too frequently or exceeding its "
        "amount limit.",
    ),
    "expired_card": ("expired_card", "", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", "", "Your card's security code is incorrect."),
    "processing_error": (
        "processing_error",
        "",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    "incorrect_number": ("incorrect_number", "", "Your card number is incorrect."),
    "authentication_required": (
        "authentication_required",
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
}

# How a bank debit may end: settlement → (failure code, message); success has none.
BANK_FAILURES: dict[str, tuple[str, str]] = {
    "insufficient_funds": (
        "insufficient_funds",
        "The customer's account has insufficient funds to cover this payment.",
    ),
    "account_closed": ("account_closed", "The customer's bank account has been closed."),
    "no_account": ("no_account", "The customer's bank account could not be located."),
    "debit_not_authorized": (
        "debit_not_authorized",
        "The customer has notified their bank that this payment was unauthorized.",
    ),
    "failed": ("charge_failed", "The bank refused the payment."),
}

_VISA = Behaviour()

# (payment method ids, behaviour): the first id's suffix is also the token's (`tok_visa`).
_CARDS: list[tuple[tuple[str, ...], Behaviour]] = [
    (("pm_card_visa", "pm_card_us"), _VISA),
    (("pm_card_visa_debit",), replace(_VISA, number="4000056655665556", funding="debit")),
    (("pm_card_mastercard",), replace(_VISA, number="5555555555554444", brand="mastercard")),
    (
        ("pm_card_mastercard_debit",),
        replace(_VISA, number="5200828282828210", brand="mastercard", funding="debit"),
    ),
    (
        ("pm_card_mastercard_prepaid",),
        replace(_VISA, number="5105105105105100", brand="mastercard", funding="prepaid"),
    ),
    (
        ("pm_card_amex", "pm_card_amex_threeDSecureNotSupported"),
        replace(_VISA, number="378282246310005", brand="amex"),
    ),
    (("pm_card_discover",), replace(_VISA, number="6011111111111117", brand="discover")),
    (("pm_card_diners",), replace(_VISA, number="3056930009020004", brand="diners")),
    (("pm_card_jcb",), replace(_VISA, number="3566002020360505", brand="jcb", country="JP")),
    (("pm_card_unionpay",), replace(_VISA, number="6200000000000005", brand="unionpay")),
    (("pm_card_gb",), replace(_VISA, number="4000008260000000", country="GB")),
    (("pm_card_de",), replace(_VISA, number="4000002760000016", country="DE")),
    (("pm_card_fr",), replace(_VISA, number="4000002500000003", country="FR")),
    (("pm_card_ca",), replace(_VISA, number="4000001240000000", country="CA")),
    (("pm_card_bypassPending",), replace(_VISA, number="4000000000000077")),
    (
        ("pm_card_visa_chargeDeclined", "pm_card_chargeDeclined"),
        replace(_VISA, number="4000000000000002", decline="generic"),
    ),
    (
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "pm_card_chargeDeclinedInsufficientFunds",
        ),
        replace(_VISA, number="4000000000009995", decline="insufficient_funds"),
    ),
    (
        ("pm_card_visa_chargeDeclinedLostCard",),
        replace(_VISA, number="4000000000009987", decline="lost_card"),
    ),
    (
        ("pm_card_visa_chargeDeclinedStolenCard",),
        replace(_VISA, number="4000000000009979", decline="stolen_card"),
    ),
    (
        ("pm_card_visa_chargeDeclinedVelocityLimitExceeded",),
        replace(_VISA, number="4000000000006975", decline="velocity"),
    ),
    (
        ("pm_card_radarBlock", "pm_card_chargeDeclinedFraudulent"),
        replace(_VISA, number="4100000000000019", decline="fraudulent", risk="highest"),
    ),
    (
        ("pm_card_chargeDeclinedExpiredCard",),
        replace(_VISA, number="4000000000000069", decline="expired_card"),
    ),
    (
        ("pm_card_chargeDeclinedIncorrectCvc", "pm_card_cvcCheckFail"),
        replace(_VISA, number="4000000000000127", decline="incorrect_cvc", cvc_check="fail"),
    ),
    (
        ("pm_card_chargeDeclinedProcessingError",),
        replace(_VISA, number="4000000000000119", decline="processing_error"),
    ),
    (
        ("pm_card_chargeCustomerFail",),
        replace(_VISA, number="4000000000000341", decline="generic"),
    ),
    (
        ("pm_card_riskLevelElevated",),
        replace(_VISA, number="4000000000009235", risk="elevated"),
    ),
    (
        ("pm_card_createDispute",),
        replace(_VISA, number="4000000000000259", dispute="fraudulent"),
    ),
    (
        ("pm_card_createDisputeProductNotReceived",),
        replace(_VISA, number="4000000000002685", dispute="product_not_received"),
    ),
    (
        ("pm_card_createDisputeInquiry",),
        replace(_VISA, number="4000000000001976", dispute="fraudulent", inquiry=True),
    ),
    (("pm_card_pendingRefund",), replace(_VISA, number="4000000000007726", refund="pending")),
    (("pm_card_refundFail",), replace(_VISA, number="4000000000005126", refund="failed")),
    (
        ("pm_card_authenticationRequired",),
        replace(_VISA, number="4000002760003184", country="DE", authentication="always"),
    ),
    (
        ("pm_card_authenticationRequiredOnSetup",),
        replace(_VISA, number="4000002500003155", country="FR", authentication="always"),
    ),
    (
        ("pm_card_authenticationRequiredSetupForOffSession",),
        replace(
            _VISA, number="4000003800000446", country="IT", authentication="unless_off_session"
        ),
    ),
    (
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
        replace(
            _VISA,
            number="4000008260003178",
            country="GB",
            authentication="always",
            decline_after_authentication="insufficient_funds",
        ),
    ),
    (
        ("pm_card_threeDSecure2Required",),
        replace(_VISA, number="4000000000003220", authentication="always"),
    ),
    (
        ("pm_card_threeDSecureRequired",),
        replace(_VISA, number="4000000000003063", authentication="always"),
    ),
    (
        ("pm_card_threeDSecureRequiredChargeDeclined",),
        replace(
            _VISA,
            number="4000008400001629",
            authentication="always",
            decline_after_authentication="generic",
        ),
    ),
    (
        ("pm_card_threeDSecureRequiredProcessingError",),
        replace(_VISA, number="4000008400001280", decline="processing_error"),
    ),
    (("pm_card_threeDSecureOptional",), replace(_VISA, number="4000000000003055")),
]

_ACH = Behaviour(kind="us_bank_account", number="000123456789", brand="", settlement="succeeded")
_SEPA = Behaviour(
    kind="sepa_debit",
    number="DE89370400440532013000",
    brand="",
    country="DE",
    settlement="succeeded",
)

_BANKS: list[tuple[tuple[str, ...], Behaviour]] = [
    (("pm_usBankAccount_success", "pm_usBankAccount"), _ACH),
    (
        ("pm_usBankAccount_accountClosed",),
        replace(_ACH, number="000111111116", settlement="account_closed"),
    ),
    (
        ("pm_usBankAccount_noAccount",),
        replace(_ACH, number="000111111113", settlement="no_account"),
    ),
    (
        ("pm_usBankAccount_insufficientFunds",),
        replace(_ACH, number="000222222227", settlement="insufficient_funds"),
    ),
    (
        ("pm_usBankAccount_debitNotAuthorized",),
        replace(_ACH, number="000333333335", settlement="debit_not_authorized"),
    ),
    (
        ("pm_usBankAccount_dispute",),
        replace(_ACH, number="000555555559", dispute="debit_not_authorized"),
    ),
    (
        ("pm_usBankAccount_processing",),
        replace(_ACH, number="000000000009", settlement="never"),
    ),
    (("pm_success_de",), _SEPA),
    (("pm_failed_de",), replace(_SEPA, number="DE62370400440532013001", settlement="failed")),
    (
        ("pm_disputed_de",),
        replace(_SEPA, number="DE35370400440532013002", dispute="debit_not_authorized"),
    ),
]

BY_ID: dict[str, Behaviour] = {
    name: behaviour for names, behaviour in [*_CARDS, *_BANKS] for name in names
}
BY_TOKEN: dict[str, Behaviour] = {
    name.replace("pm_card_", "tok_"): behaviour for names, behaviour in _CARDS for name in names
}
BY_NUMBER: dict[str, Behaviour] = {
    behaviour.number: behaviour for _, behaviour in reversed([*_CARDS, *_BANKS])
} | {
    "4012888888881881": replace(_VISA, number="4012888888881881"),
    "4111111111111111": replace(_VISA, number="4111111111111111"),
    "2223003122003222": replace(_VISA, number="2223003122003222", brand="mastercard"),
    "371449635398431": replace(_VISA, number="371449635398431", brand="amex"),
    "4000000000000101": replace(
        _VISA, number="4000000000000101", decline="incorrect_cvc", cvc_check="fail"
    ),
}


def passes_luhn(number: str) -> bool:
    """Whether the number's check digit is right (ISO/IEC 7812-1)."""
    if not number.isdigit() or not 12 <= len(number) <= 19:
        return False
    total = 0
    for index, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card_shape(card: Behaviour, exp_month: int, exp_year: int) -> dict[str, Any]:
    """The `card` of a payment method."""
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "unchecked",
        },
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": f"Fp{abs(int(card.number)) % 10**14:014d}",
        "funding": card.funding,
        "generated_from": None,
        "last4": card.number[-4:],
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": card.brand != "unionpay"},
        "wallet": None,
    }
