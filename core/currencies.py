"""Which currencies Stripe charges in, and the least and the most that it takes in each.

Source: docs.stripe.com/currencies, "Supported presentment currencies" and "Minimum and maximum
charge amounts".
"""

from typing import Final

_CODES: Final = (
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bif bmd bnd bob brl bsd bwp byn "
    "bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd "
    "gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr "
    "lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen "
    "pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs "
    "top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw"
)
CHARGED: Final = frozenset(_CODES.split())

# The least of an amount in minor units. Of the currencies that aren't named Stripe says nothing:
# what it takes follows from the currency that the account is paid out in, at the day's rate.
LEAST_ELSEWHERE: Final = 50
LEAST: Final = {
    "usd": 50,
    "aed": 200,
    "aud": 50,
    "bgn": 100,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
}
# How many digits Stripe takes of an amount in minor units that any payment method may pay, where it
# isn't eight ("Other payment methods").
DIGITS: Final = {"idr": 12, "cop": 10, "inr": 9}
