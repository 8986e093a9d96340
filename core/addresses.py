"""What the address of a country does without, by its two-letter code.

Source: the address rules of chromium-i18n.appspot.com/ssl-address (libaddressinput), of which
"fmt" says what an address has and "require" what it must have.
"""

from typing import Final

# No %Z in the format: there are no postal codes.
WITHOUT_POSTAL_CODE: Final = frozenset({
    "AE", "AG", "AO", "AQ", "AW", "BF", "BI", "BJ", "BO", "BQ", "BS", "BV", "BW", "BZ", "CD", "CF",
    "CG", "CI", "CK", "CM", "CW", "DJ", "DM", "ER", "FJ", "GA", "GD", "GH", "GM", "GQ", "GY", "HK",
    "JM", "KI", "KM", "KN", "LC", "LY", "ML", "MO", "MR", "MS", "MW", "NR", "NU", "PA", "PS", "QA",
    "RW", "SB", "SC", "SL", "SR", "SS", "ST", "SX", "SY", "TD", "TF", "TG", "TK", "TL", "TO", "TT",
    "TV", "UG", "VU", "WS", "YE", "ZW",
})  # fmt: skip
# No %C in the format, or no C in what it must have: the country is the city, or an address goes on
# with its area, as an emirate or a prefecture.
WITHOUT_CITY: Final = frozenset({
    "AE", "AG", "CO", "GI", "HK", "ID", "JP", "KY", "MO", "NR", "SG", "SM", "VG",
})  # fmt: skip
