"""The currencies Stripe takes, how they are written, and the least and most it charges in them.

Source: https://docs.stripe.com/currencies
"""

from devtools.stripe_standin.errors import ApiError

_CODES = (
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bif bmd bnd bob brl bsd bwp byn "
    "bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd "
    "gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr "
    "lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen "
    "pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs "
    "top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw"
)
_WITHOUT_CENTS = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf"
_FROM_FIFTY = "usd aud brl cad chf eur inr jpy nzd sgd"

SUPPORTED = tuple(_CODES.split())
ZERO_DECIMAL = frozenset(_WITHOUT_CENTS.split())
MINIMUM = {
    **dict.fromkeys(_FROM_FIFTY.split(), 50),
    "aed": 200,
    "bgn": 100,
    "czk": 1500,
    "dkk": 250,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "thb": 1000,
}
# The digits of the largest amount that is taken by any payment method.
_DIGITS = {"idr": 12, "cop": 10, "inr": 9}
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "$", "aud": "$"}


def written(amount: int, currency: str) -> str:
    """Minor units as Stripe's messages write them: `$10.00`, `¥50`, `10.00 nok`."""
    text = f"{amount:,}" if currency in ZERO_DECIMAL else f"{amount // 100:,}.{amount % 100:02d}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{text}" if symbol else f"{text} {currency}"


def checked_currency(currency: str) -> str:
    """The currency in lower case; raises `ApiError` (400) when Stripe has none such."""
    lowered = currency.lower()
    if lowered not in SUPPORTED:
        raise ApiError(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: "
            f"{', '.join(SUPPORTED)}",
            param="currency",
        )
    return lowered


def check_amount(amount: int, currency: str, param: str = "amount") -> None:
    """Raise `ApiError` (400) unless Stripe would charge this many minor units."""
    if amount < 1:
        raise ApiError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=param,
        )
    least = MINIMUM.get(currency, 1)
    if amount < least:
        raise ApiError(
            f"Amount must be at least {written(least, currency)} {currency}",
            code="amount_too_small",
            param=param,
        )
    most = 10 ** _DIGITS.get(currency, 8) - 1
    if amount > most:
        raise ApiError(
            f"Amount must be no more than {written(most, currency)}",
            code="amount_too_large",
            param=param,
        )
